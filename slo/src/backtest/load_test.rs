//! What a load test left behind, as the events of each second. Owns the part of its result file that objectives are
//! counted from; `loadtest/schema/result.json` publishes the whole.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::numbers::Span;
use crate::objectives::{Objectives, Slo};
use crate::query::QueryError;
use crate::rule_tests::{self, InputSeries};

/// Good and bad requests, second by second, one phase after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadTest {
    seconds: Vec<BTreeMap<String, Events>>,
}

/// Why a file is no result of a load test.
#[derive(Debug, thiserror::Error)]
pub enum LoadTestError {
    /// Another JSON.
    #[error("no result of a load test, as `loadtest run` writes it: {0}")]
    Json(#[from] serde_json::Error),
    /// Nothing was measured.
    #[error("expected at least two seconds in the load test, to know what happened between them")]
    TooShort,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct Events {
    total: u64,
    bad: u64,
}

#[derive(Deserialize)]
struct RunResult {
    phases: Vec<Phase>,
}

#[derive(Deserialize)]
struct Phase {
    measurement: Measurement,
    seconds: Vec<Measurement>,
}

#[derive(Deserialize)]
struct Measurement {
    objectives: BTreeMap<String, Events>,
}

impl LoadTest {
    /// The time between two samples.
    pub(super) const STEP: Span = Span::from_secs(1);

    /// Reads the text of a result file.
    ///
    /// # Errors
    ///
    /// Where it isn't one, or lasted less than two seconds.
    pub fn read(json: &str) -> Result<Self, LoadTestError> {
        let RunResult { phases } = serde_json::from_str(json)?;
        let seconds: Vec<_> = phases.into_iter().flat_map(Phase::seconds).collect();
        if seconds.len() < 2 { Err(LoadTestError::TooShort) } else { Ok(Self { seconds }) }
    }

    /// How long it was, without what it did to warm up.
    #[must_use]
    pub fn length(&self) -> Span {
        Span::from_secs(u64::try_from(self.seconds.len()).unwrap_or(u64::MAX))
    }

    /// Whether requests were counted toward an objective.
    #[must_use]
    pub fn covers(&self, slo: &Slo) -> bool {
        self.each(slo).any(|events| events.total > 0)
    }

    /// What was counted toward one objective: bad and total requests.
    #[expect(clippy::cast_precision_loss, reason = "requests of one run are far below 2^53")]
    pub(super) fn events(&self, slo: &Slo) -> (f64, f64) {
        let count = |of: fn(Events) -> u64| self.each(slo).map(of).sum::<u64>() as f64;
        (count(|events| events.bad), count(|events| events.total))
    }

    /// What a scrape in each second would have seen of one objective.
    pub(super) fn series(&self, objectives: &Objectives, slo: &Slo) -> Result<Vec<InputSeries>, QueryError> {
        let good_and_bad = self.each(slo).map(|events| (events.total.saturating_sub(events.bad), events.bad));
        rule_tests::scraped_each_second(objectives, slo, good_and_bad)
    }

    fn each(&self, slo: &Slo) -> impl Iterator<Item = Events> {
        self.seconds.iter().map(|second| second.get(&slo.id).copied().unwrap_or_default())
    }
}

impl Phase {
    /// Nobody knows when a request that got no answer was due, so those are spread evenly.
    fn seconds(self) -> Vec<BTreeMap<String, Events>> {
        let mut seconds: Vec<_> = self.seconds.into_iter().map(|second| second.objectives).collect();
        let length = u64::try_from(seconds.len()).unwrap_or(u64::MAX);
        for (slo, whole) in self.measurement.objectives {
            let timed = |of: fn(&Events) -> u64| {
                seconds.iter().filter_map(|second| second.get(&slo)).map(of).sum::<u64>()
            };
            let total = whole.total.saturating_sub(timed(|events| events.total));
            let bad = whole.bad.saturating_sub(timed(|events| events.bad));
            for (second, nth) in seconds.iter_mut().zip(0..) {
                let share = |events: u64| events * (nth + 1) / length - events * nth / length;
                let events = second.entry(slo.clone()).or_default();
                events.total += share(total);
                events.bad += share(bad);
            }
        }
        seconds
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn result(seconds: &str) -> String {
        format!(
            r#"{{"run_id":"try","phases":[{{"measurement":{{"objectives":{{"a":{{"total":25,"bad":7}}}}}},"seconds":[{seconds}]}}]}}"#
        )
    }

    #[test]
    fn requests_without_an_answer_are_spread_over_their_phase() {
        let second = r#"{"answers":10,"objectives":{"a":{"total":10,"bad":1}}}"#;
        let run = LoadTest::read(&result(&format!(r#"{second},{second},{{"objectives":{{}}}}"#))).unwrap();
        let events: Vec<_> = run.seconds.iter().map(|second| (second["a"].total, second["a"].bad)).collect();
        assert_eq!(events, [(11, 2), (12, 3), (2, 2)]);
    }

    #[rstest]
    #[case::another_json("{}", "no result of a load test")]
    #[case::nothing(&result(""), "at least two seconds")]
    #[case::one_second(&result(r#"{"objectives":{}}"#), "at least two seconds")]
    fn refuses(#[case] json: &str, #[case] says: &str) {
        let error = LoadTest::read(json).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
