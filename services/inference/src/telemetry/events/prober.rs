//! What the prober found at the public door.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::{ProbeResult, installed};

/// A golden row was sent through the public door.
#[derive(Debug, Clone, Copy)]
pub struct Probed<'a> {
    /// The route, as the service's metrics call it.
    pub route: &'static str,
    /// The row's place among the golden answers, counted from 1.
    pub row: usize,
    /// What came of it.
    pub result: ProbeResult,
    /// What came instead of the golden class; empty where it came.
    pub found: &'a str,
    /// From sending to the whole answer, or to the failure.
    pub took: Duration,
    /// Whether the same came of the probe before on this route.
    pub again: bool,
}

impl Probed<'_> {
    /// Counts it, and times what was answered. Each wrong answer has a line at level `error`, as each is another row;
    /// of refusals and failures the first, and of right answers the first after anything else.
    pub fn emit(self) {
        let Self { route, row, result, found, took, again } = self;
        if let Some(instruments) = installed().prober.route(route) {
            instruments.answers(result).increment(1);
            if result != ProbeResult::Failed {
                instruments.duration.record(took);
            }
        }
        let result_label = result.label();
        match (result, again) {
            (ProbeResult::Wrong, _) => error!(route, row, found, "a wrong answer"),
            (ProbeResult::Refused | ProbeResult::Failed, false) => {
                warn!(route, row, found, ?took, result = result_label, "no answer");
            }
            (ProbeResult::Right, false) => info!(route, row, ?took, "a right answer"),
            (ProbeResult::Right | ProbeResult::Refused | ProbeResult::Failed, true) => {
                debug!(route, row, found, ?took, result = result_label, "the same again");
            }
        }
    }
}

/// The file of the prober's token cannot be used any more; what it held before is sent on.
#[derive(Debug, Clone, Copy)]
pub struct TokenFileRefused<'a> {
    /// What is wrong, and with which file.
    pub error: &'a str,
    /// Whether it was so the last time.
    pub again: bool,
}

impl TokenFileRefused<'_> {
    /// Writes a line for each thing that is wrong, not for each time that it was found so. Nothing counts it: what
    /// comes of it is refused probes, which are counted.
    pub fn emit(self) {
        if self.again {
            debug!(error = self.error, "token file refused again");
        } else {
            error!(error = self.error, "token file refused, the token before goes on");
        }
    }
}
