//! The Open Inference Protocol v2 over HTTP, so that a KServe or Triton client works unchanged: health, metadata and
//! infer for the same model as `POST /api`. Specification: kserve/open-inference-protocol, `inference_rest.md`; binary
//! tensors: Triton's `extension_binary_data.md`.

mod infer;
mod metadata;
mod tensor;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;

pub(in crate::api) use infer::*;
pub(in crate::api) use metadata::*;
pub use tensor::InferenceRequest;

use super::Api;
use super::problem::ApiError;
use crate::model::Classifier;

/// The route of the infer call.
pub const INFER: &str = "/v2/models/{model}/infer";
/// The route of the infer call that names a version.
pub(super) const INFER_VERSION: &str = "/v2/models/{model}/versions/{version}/infer";
/// The routes that a health probe may read without credentials.
pub const HEALTH_PATHS: &[&str] = &["/v2/health/live", "/v2/health/ready"];

/// Model, and version where one is given, as the path names them.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Asked {
    model: String,
    version: Option<String>,
}

impl Asked {
    /// Refuses another name than the served model's, or another version than the one that answers now.
    fn check(self, served: &Classifier) -> Result<(), ApiError> {
        let name = &served.metadata().name;
        let version_fits = self.version.as_deref().is_none_or(|version| version == served.version());
        if self.model == *name && version_fits {
            return Ok(());
        }
        Err(ApiError::UnknownModel { name: self.model, version: self.version, served: name.clone() })
    }
}

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/v2/health/live", get(metadata::live))
        .route("/v2/health/ready", get(metadata::ready))
        .route("/v2", get(metadata::server))
        .route("/v2/models/{model}", get(metadata::model))
        .route("/v2/models/{model}/versions/{version}", get(metadata::model))
        .route("/v2/models/{model}/ready", get(metadata::model_ready))
        .route("/v2/models/{model}/versions/{version}/ready", get(metadata::model_ready))
        .route(INFER, post(infer::infer))
        .route(INFER_VERSION, post(infer::infer))
}
