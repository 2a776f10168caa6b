//! The model: an ONNX classifier run by tract, the domain that it was trained on, the golden answers that it must
//! reproduce, and the store that swaps one for the next. Knows nothing about HTTP.

mod domain;
mod error;
mod golden;
mod metadata;
mod onnx;
mod store;

pub use domain::{Domain, FeatureGroup};
pub use error::ModelError;
pub use golden::{GoldenAnswers, GoldenRow};
pub use metadata::Metadata;
pub use onnx::{Classifier, Scored, Scorer};
pub use store::{ModelConfig, ModelStore, Reload};
