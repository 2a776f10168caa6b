//! What happens to a request whoever sent it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tracing::{debug, error};

use super::{ErrorSource, Phase, installed};

/// A request was answered with a problem document. Its metric is the request histogram's `error_source`, which the
/// response carries as an extension; this event is the line that says why.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "anything that can be written is a reason")]
pub struct RequestRefused<'a> {
    /// The stable code in the problem document.
    pub code: &'static str,
    /// Whose fault it was.
    pub source: ErrorSource,
    /// What really happened; never sent to the client.
    pub internal: &'a dyn Display,
}

impl RequestRefused<'_> {
    /// Writes the line: `error` when the service or what it depends on failed, else `debug`.
    pub fn emit(self) {
        let (code, source, reason) = (self.code, self.source.label(), self.internal);
        match self.source {
            ErrorSource::Client | ErrorSource::Limit => {
                debug!(code, source, reason = reason.to_string(), "request refused");
            }
            ErrorSource::Server | ErrorSource::Dependency => {
                error!(code, source, reason = reason.to_string(), "request failed");
            }
        }
    }
}

/// A phase of a request took so long.
#[derive(Debug, Clone, Copy)]
pub struct PhaseTimed {
    /// Which one.
    pub phase: Phase,
    /// How long.
    pub took: Duration,
}

impl PhaseTimed {
    /// Records the duration.
    pub fn emit(self) {
        installed().instruments.phase(self.phase, self.took);
    }
}

/// Times phases that follow each other: where one ends the next begins, and the clock is read once for both.
#[derive(Debug)]
pub struct Laps(Instant);

impl Laps {
    /// The first phase begins.
    #[must_use]
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// `phase` ends, however it ended, and the next one begins.
    pub fn end(&mut self, phase: Phase) {
        let now = Instant::now();
        PhaseTimed { phase, took: now.duration_since(self.0) }.emit();
        self.0 = now;
    }
}
