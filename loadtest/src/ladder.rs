//! What each way of proving who sends adds to the time of an answer and to the service's work, all of them at the same
//! rate. Owns the published form of what was found. Must never compare runs of different turns: machines have moods.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compare::{self, LEAST_PAIRS, mean};
use crate::latency::QUANTILES;
use crate::machine::Machine;
use crate::measurement::Measurement;
use crate::scenario::{Credentials, Phase};

/// What was found on one machine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "What each way of proving who sends adds to an answer",
    extend("$comment" = "made by `cargo xtask generate`")
)]
pub struct Ladder {
    /// What repeats it.
    pub command: String,
    /// When it began, as RFC 3339 has it.
    pub started: String,
    /// Where and of what it was made.
    pub machine: Machine,
    /// What each of them was asked, each time.
    pub phase: Phase,
    /// How often all of them had a turn.
    pub turns: u8,
    /// One for each way, in the order of their turns; the others are compared with the first.
    pub rungs: Vec<Rung>,
}

/// A way of proving who sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// How requests proved who sent them.
    pub credentials: Credentials,
    /// Of each percentile that every run has enough answers for.
    pub latency: Vec<Latency>,
    /// The service's processor time for a request, in microseconds.
    pub processor_us: Option<Added>,
}

/// How long answers took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Which quantile, such as 0.99.
    pub quantile: f64,
    /// In milliseconds.
    pub ms: Added,
}

/// A figure, and how much of it the first rung does not have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// The mean over the turns.
    pub mean: f64,
    /// The mean, over the turns, of its difference to the first rung's in the same turn.
    pub added: f64,
    /// The 95 % interval of what is added; without a value there were too few turns for one.
    pub interval: Option<Interval>,
}

/// Between what a figure lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Rung {
    /// What those runs say, of which each was in the same turn as that of the first rung. `rate` is in requests a second.
    #[must_use]
    pub fn of(credentials: Credentials, runs: &[Measurement], first: &[Measurement], rate: f64) -> Self {
        let latency = QUANTILES.iter().filter_map(|&quantile| {
            let ms = |run: &Measurement| Some(run.latency.quantile(quantile)?.value?.as_secs_f64() * 1e3);
            Some(Latency { quantile, ms: Added::of(runs, first, ms)? })
        });
        let processor_us = |run: &Measurement| Some(run.service?.cores() * 1e6 / rate);
        Self { credentials, latency: latency.collect(), processor_us: Added::of(runs, first, processor_us) }
    }
}

impl Added {
    /// If every run has that figure.
    fn of(
        runs: &[Measurement],
        first: &[Measurement],
        figure: impl Fn(&Measurement) -> Option<f64>,
    ) -> Option<Self> {
        let all = |runs: &[Measurement]| runs.iter().map(&figure).collect::<Option<Vec<f64>>>();
        let (own, first) = (all(runs)?, all(first)?);
        let added: Vec<f64> = own.iter().zip(&first).map(|(own, first)| own - first).collect();
        let interval = if added.len() < LEAST_PAIRS { None } else { compare::interval(&added) };
        Some(Self {
            mean: mean(&own),
            added: mean(&added),
            interval: interval.map(|(low, high)| Interval { low, high }),
        })
    }
}

/// The JSON Schema of what was found.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Ladder).to_value()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::Cost;

    /// A run whose answers all took so long, and the service used that many cores.
    fn run(milliseconds: u64, cores: f64) -> Measurement {
        let mut measurement = Measurement::default();
        for _ in 0..1_000 {
            measurement.answered(200, Duration::from_millis(milliseconds), &[]);
        }
        measurement.service = Some(Cost { processor_seconds: cores * 2.0, seconds: 2.0, resident_bytes: 1 });
        measurement
    }

    #[test]
    fn each_run_is_compared_with_that_of_its_own_turn() {
        // A machine that is slower each time: the difference stays.
        let first: Vec<_> = (1..=6).map(|turn| run(turn, 0.1)).collect();
        let other: Vec<_> = (1..=6).map(|turn| run(turn + 2, 0.3)).collect();
        let rung = Rung::of(Credentials::Hs256, &other, &first, 1_000.0);
        let quantiles: Vec<_> = rung.latency.iter().map(|latency| latency.quantile).collect();
        assert_eq!(quantiles, [0.5, 0.9, 0.99], "of a thousand answers nobody knows p99.9");
        for Latency { ms: Added { mean, added, interval }, .. } in rung.latency {
            let Interval { low, high } = interval.unwrap();
            assert!((mean - 5.5).abs() < 0.01, "{mean}");
            assert!(low <= added && added <= high && (low - 2.0).abs() < 0.01 && (high - 2.0).abs() < 0.01);
        }
        let Added { mean, added, .. } = rung.processor_us.unwrap();
        assert!((mean - 300.0).abs() < 1e-9 && (added - 200.0).abs() < 1e-9, "{mean} {added}");
    }

    #[test]
    fn fewer_turns_than_tell_chance_from_a_difference_have_no_interval() {
        let runs: Vec<_> = (1..=5).map(|turn| run(turn, 0.1)).collect();
        let rung = Rung::of(Credentials::None, &runs, &runs, 1_000.0);
        assert_eq!(rung.latency[0].ms.interval, None);
        assert_eq!(rung.latency[0].ms.added, 0.0);
    }

    #[test]
    fn a_service_that_nobody_watched_has_no_cost() {
        let mut unwatched = run(1, 0.1);
        unwatched.service = None;
        assert_eq!(Rung::of(Credentials::None, &[unwatched], &[run(1, 0.1)], 1.0).processor_us, None);
    }
}
