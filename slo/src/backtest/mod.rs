//! What would have fired on recorded samples, or in a load test. The rules are the generated ones, and promtool evaluates
//! them: a second implementation would agree with itself and not with Prometheus.
//!
//! Owns the way there and back: samples become the input of a rule test that expects nothing at every evaluation, and what
//! promtool finds instead is the answer.

mod load_test;
mod recording;
mod replay;

use crate::numbers::Span;
use crate::objectives::Slo;
use crate::query::QueryError;

pub use self::load_test::{LoadTest, LoadTestError};
pub use self::recording::{Recording, RecordingError};
pub use self::replay::{Episode, Replay, ReplayError, replay};

/// What to replay.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// What Prometheus recorded.
    Recorded(Recording),
    /// What a load test counted.
    LoadTest(LoadTest),
}

impl Samples {
    /// How long it took.
    #[must_use]
    pub fn length(&self) -> Span {
        match self {
            Self::Recorded(recording) => recording.length(),
            Self::LoadTest(run) => run.length(),
        }
    }

    /// When the last one is, after the first.
    fn last(&self) -> Span {
        match self {
            Self::Recorded(recording) => recording.last(),
            Self::LoadTest(run) => run.length(),
        }
    }

    /// The time between two of them.
    #[must_use]
    pub const fn step(&self) -> Span {
        match self {
            Self::Recorded(recording) => recording.step,
            Self::LoadTest(_) => LoadTest::STEP,
        }
    }

    /// Whether they have all that an objective is counted from.
    ///
    /// # Errors
    ///
    /// When a selector doesn't parse, which the definitions' checks exclude.
    pub fn covers(&self, slo: &Slo) -> Result<bool, QueryError> {
        match self {
            Self::Recorded(recording) => recording.covers(slo),
            Self::LoadTest(run) => Ok(run.covers(slo)),
        }
    }
}
