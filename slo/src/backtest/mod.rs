//! What would have fired on recorded samples. The rules are the generated ones, and promtool evaluates them: a second
//! implementation would agree with itself and not with Prometheus.
//!
//! Owns the way there and back: samples become the input of a rule test that expects nothing at every evaluation, and what
//! promtool finds instead is the answer.

mod recording;
mod replay;

pub use self::recording::{Recording, RecordingError};
pub use self::replay::{Episode, Replay, ReplayError, replay};
