//! The most that a service does within its objectives, for each way of proving who sends. Owns the published form of what
//! was found. Must never call a rate a capacity that the generator, not the service, set: what ended each search is kept.

mod search;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::search::Range;
use self::search::{Found, Trial, search};
use crate::engine::{self, Cost, EngineError, UnderWay};
use crate::latency::count;
use crate::machine::Machine;
use crate::scenario::{Credentials, Phase, Scenario};
use crate::target::Target;
use crate::verdict::{Outcome, Verdict, judge};

/// What was found on one machine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "What a service can do within its objectives", extend("$comment" = "made by `cargo xtask generate`"))]
pub struct Capacity {
    /// What repeats it.
    pub command: String,
    /// When it began, as RFC 3339 has it.
    pub started: String,
    /// Where and of what it was made.
    pub machine: Machine,
    /// Names of the objectives that had to be met.
    pub objectives: Vec<String>,
    /// What was run at each rate; its own rate is the first that was tried.
    pub phase: Phase,
    /// Each rate that held is less than this below the highest that would have.
    pub step: u32,
    /// One for each way of proving who sends.
    pub configurations: Vec<Configuration>,
}

/// What was found for one way of proving who sends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// How requests proved who sent them.
    pub credentials: Credentials,
    /// Good requests a second for each core that the service used, at the rate that held; without a value nothing held or
    /// the service was not one that the harness started.
    pub good_per_second_per_core: Option<Spread>,
    /// Cores that the service used at the rate that held, where an objective broke beyond it; without a value no search
    /// came that far.
    pub cores_before_it_broke: Option<Spread>,
    /// One search after the other.
    pub rounds: Vec<Round>,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// The highest rate that held.
    pub held: Option<Held>,
    /// The lowest that did not; without a value the ceiling held.
    pub beyond: Option<Beyond>,
}

/// A rate that held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Requests a second.
    pub rate: u32,
    /// Of them, those that were good for each objective.
    pub good_per_second: f64,
    /// What the service took.
    pub service: Option<Cost>,
}

/// A rate that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Beyond {
    /// Requests a second.
    pub rate: u32,
    /// Whether an objective broke or nobody can say, and why.
    pub verdict: Verdict,
}

/// Of some figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The least of them.
    pub least: f64,
    /// As many are below as above; of an even number, the lower one of the middle.
    pub median: f64,
    /// The most of them.
    pub most: f64,
}

/// Searches once. `look` is called about ten times a second with the phase that runs and how far it is.
///
/// # Errors
///
/// When a rate can't be run.
pub fn round(
    scenario: &Scenario,
    phase: &Phase,
    target: &Target,
    range: Range,
    look: &dyn Fn(&Phase, &UnderWay<'_>),
) -> Result<Round, EngineError> {
    let Found { held, beyond } = search(range, |rate| -> Result<_, EngineError> {
        let phase = Phase { rate: Some(rate), ..phase.clone() };
        let measured =
            engine::run(scenario, &phase, target, &|under_way| look(&phase, under_way))?.measurement;
        let verdict = judge(&measured, &scenario.expectation);
        Ok(match verdict.outcome {
            Outcome::Pass => Trial::Held(measured),
            Outcome::Fail | Outcome::Invalid => Trial::Not(verdict),
        })
    })?;
    Ok(Round {
        held: held.map(|(rate, measured)| Held {
            rate,
            good_per_second: count(measured.good()) / phase.seconds,
            service: measured.service,
        }),
        beyond: beyond.map(|(rate, verdict)| Beyond { rate, verdict }),
    })
}

impl Configuration {
    /// What those searches say together.
    #[must_use]
    pub fn of(credentials: Credentials, rounds: Vec<Round>) -> Self {
        let per_core = rounds.iter().filter_map(|round| round.held.as_ref()?.good_per_second_per_core());
        let cores = rounds.iter().filter(|round| round.broke()).filter_map(Round::cores);
        Self {
            credentials,
            good_per_second_per_core: Spread::of(per_core.collect()),
            cores_before_it_broke: Spread::of(cores.collect()),
            rounds,
        }
    }
}

impl Round {
    fn broke(&self) -> bool {
        self.beyond.as_ref().is_some_and(|beyond| beyond.verdict.outcome == Outcome::Fail)
    }

    /// Cores that the service used at the rate that held.
    fn cores(&self) -> Option<f64> {
        Some(self.held.as_ref()?.service?.cores())
    }
}

impl Held {
    fn good_per_second_per_core(&self) -> Option<f64> {
        self.service.map(|cost| self.good_per_second / cost.cores())
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let median = *values.get(values.len().saturating_sub(1) / 2)?;
        Some(Self { least: *values.first()?, median, most: *values.last()? })
    }
}

/// The JSON Schema of what was found.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Capacity).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that found this rate held with so many cores, and ended for this reason.
    fn searched(rate: u32, cores: f64, outcome: Outcome) -> Round {
        let service = Cost { processor_seconds: cores, seconds: 1.0, resident_bytes: 1 };
        let verdict = Verdict { outcome, because: "it did".to_owned(), besides: Vec::new() };
        Round {
            held: Some(Held { rate, good_per_second: f64::from(rate), service: Some(service) }),
            beyond: Some(Beyond { rate: rate + 1, verdict }),
        }
    }

    #[test]
    fn a_search_that_the_generator_ended_tells_the_cost_of_a_request_and_not_where_the_service_breaks() {
        let of_generator = searched(1_000, 0.1, Outcome::Invalid);
        let configuration = Configuration::of(Credentials::None, vec![of_generator]);
        assert_eq!(configuration.good_per_second_per_core.unwrap().median, 10_000.0);
        assert_eq!(configuration.cores_before_it_broke, None);

        let rounds = [900, 800, 700].map(|rate| searched(rate, 1.0, Outcome::Fail));
        let Configuration { good_per_second_per_core, cores_before_it_broke, .. } =
            Configuration::of(Credentials::None, rounds.to_vec());
        let spread = |least, median, most| Some(Spread { least, median, most });
        assert_eq!(good_per_second_per_core, spread(700.0, 800.0, 900.0));
        assert_eq!(cores_before_it_broke, spread(1.0, 1.0, 1.0));
    }

    #[test]
    fn a_service_that_holds_nothing_has_no_capacity() {
        let Round { beyond, .. } = searched(1, 1.0, Outcome::Fail);
        let configuration = Configuration::of(Credentials::None, vec![Round { held: None, beyond }]);
        assert_eq!(configuration.good_per_second_per_core, None);
        assert_eq!(configuration.cores_before_it_broke, None);
    }
}
