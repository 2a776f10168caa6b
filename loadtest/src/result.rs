//! What a run leaves behind: everything that a report, a comparison or another judge needs. Owns the published JSON
//! Schema; must never hold a secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{Second, SlowSeen};
use crate::latency::count;
use crate::machine::Machine;
use crate::measurement::Measurement;
use crate::scenario::{Credentials, Phase, Service};
use crate::share::Share;
use crate::trend::Trend;
use crate::verdict::Verdict;

/// One run of a scenario.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "What a load test left behind", extend("$comment" = "made by `cargo xtask generate`"))]
pub struct RunResult {
    /// Unique among runs: the scenario and the time of its start.
    pub run_id: String,
    /// The scenario's name.
    pub scenario: String,
    /// What a pass shows.
    pub shows: String,
    /// When it began, as RFC 3339 has it.
    pub started: String,
    /// Where and of what it was made.
    pub machine: Machine,
    /// Which share of a run it is, if several machines sent one.
    #[serde(default)]
    pub share: Option<Share>,
    /// The machines of the other shares, if it is the run that they made together.
    #[serde(default)]
    pub other_machines: Vec<Machine>,
    /// How requests proved who sent them.
    pub credentials: Credentials,
    /// How the service that was started for it differed from one that ships.
    #[serde(default)]
    pub service: Service,
    /// What tells one set of bodies from another.
    pub payload_sha256: String,
    /// One after the other.
    pub phases: Vec<PhaseResult>,
    /// What came of it.
    pub verdict: Verdict,
}

/// One phase of a run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseResult {
    /// What was planned.
    pub phase: Phase,
    /// When it began to send, in seconds since the first one did.
    #[serde(default)]
    pub began_seconds: f64,
    /// What the generator was told, without secrets.
    pub flags: Vec<String>,
    /// What was seen.
    pub measurement: Measurement,
    /// The same second by second.
    pub seconds: Vec<Second>,
    /// What came of clients that took their time, if there were some.
    #[serde(default)]
    pub slow_clients: Option<SlowSeen>,
    /// When the last instance was back, in seconds since the phase began, if they were restarted.
    #[serde(default)]
    pub restarted_seconds: Option<f64>,
    /// What another client saw that asked for more than its quota, if there was one.
    #[serde(default)]
    pub neighbour: Option<Measurement>,
}

impl PhaseResult {
    /// Good answers a second.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        count(self.measurement.good()) / self.phase.seconds
    }

    /// How much more memory the service had resident at the end than at the beginning.
    #[must_use]
    pub fn memory_trend(&self) -> Option<Trend> {
        self.trend(|second| second.service.map(|cost| count(cost.resident_bytes)))
    }

    /// How much slower the 99th percentile of a second was at the end than at the beginning.
    #[must_use]
    pub fn p99_trend(&self) -> Option<Trend> {
        self.trend(|second| second.p99_ms)
    }

    /// Of the seconds that have that figure.
    fn trend(&self, figure: impl Fn(&Second) -> Option<f64>) -> Option<Trend> {
        let seconds = (0_u32..).zip(&self.seconds);
        let values: Vec<_> =
            seconds.filter_map(|(at, second)| Some((f64::from(at), figure(second)?))).collect();
        Trend::of(&values)
    }
}

impl RunResult {
    /// What all phases saw together.
    #[must_use]
    pub fn measurement(&self) -> Measurement {
        together(&self.phases)
    }
}

/// What those phases saw together.
pub(crate) fn together<'phase>(phases: impl IntoIterator<Item = &'phase PhaseResult>) -> Measurement {
    phases.into_iter().map(|phase| &phase.measurement).collect()
}

/// The JSON Schema of result files.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(RunResult).to_value()
}

#[cfg(test)]
pub(crate) mod tests {
    //! A result for the tests of what is made from results.

    use super::*;
    use crate::payload::Route;
    use crate::verdict::Outcome;

    /// A run of one phase of two seconds that saw this, and passed.
    pub(crate) fn run(measurement: Measurement) -> RunResult {
        let second = Second { answers: 1_000, p50_ms: Some(1.0), ..Second::default() };
        RunResult {
            run_id: "try-1".to_owned(),
            scenario: "try".to_owned(),
            shows: "A test.".to_owned(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            machine: Machine::default(),
            share: None,
            other_machines: Vec::new(),
            credentials: Credentials::None,
            service: Service::default(),
            payload_sha256: "00".to_owned(),
            phases: vec![PhaseResult {
                phase: Phase {
                    name: "only".to_owned(),
                    route: Route::Api,
                    rate: Some(1_000),
                    connections: 1,
                    identities: None,
                    warm_up_seconds: 0.0,
                    seconds: 2.0,
                    overload: false,
                    slow_clients: None,
                    restarts: false,
                    neighbour: None,
                },
                began_seconds: 0.0,
                flags: vec!["--no-tui".to_owned()],
                measurement,
                seconds: vec![second.clone(), second],
                slow_clients: None,
                restarted_seconds: None,
                neighbour: None,
            }],
            verdict: Verdict {
                outcome: Outcome::Pass,
                because: "all is well".to_owned(),
                besides: Vec::new(),
            },
        }
    }
}
