//! What was seen while requests were sent: counts and latencies that add up over phases, processes and machines. Must
//! never judge.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::prelude::ToPrimitive as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::Cost;
use crate::latency::Latency;
use crate::objectives::Objective;

/// By these a server says that it would rather not, and that it has come to no harm: Too Many Requests (RFC 6585 §4),
/// Service Unavailable (RFC 9110 §15.6.4).
pub(crate) const REFUSALS: [u16; 2] = [429, 503];

/// What was seen in one or more phases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Requests that were due: by the schedule of an open load, or as many as a closed one sent.
    pub offered: u64,
    /// Answers by their status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests that were sent and got no answer, by the generator's reason.
    pub failures: BTreeMap<String, u64>,
    /// From when a request should have been sent to the end of its answer.
    pub latency: Latency,
    /// The same of refusals alone: answers of status 429 or 503.
    #[serde(default)]
    pub refusals: Latency,
    /// By the objective's name.
    pub objectives: BTreeMap<String, Events>,
    /// What the checking client found.
    pub checks: Checks,
    /// What the generator itself cost.
    pub generator: Generator,
    /// What the service took while it was asked; without a value it was not the harness that started it.
    pub service: Option<Cost>,
}

/// Requests that count toward an objective.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// All of them: refusals of the client's own making are none of the server's.
    pub total: u64,
    /// Those that were not good.
    pub bad: u64,
}

/// Answers that were compared with the golden ones, by a client beside the generator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Bodies that were the golden one.
    pub right: u64,
    /// Bodies of a 200 that were not.
    pub wrong: u64,
    /// Requests that no 200 came back for; the generator's statuses count those.
    pub not_answered: u64,
    /// The first wrong one, with what would have been right.
    pub first_wrong: Option<String>,
    /// Refusals, which are among those, that did not say by `Retry-After` when to come again.
    #[serde(default)]
    pub without_retry_after: u64,
}

/// Whether the generator had enough of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// Processor time that its threads used or waited for.
    pub processor_seconds: f64,
    /// Processor time that its threads could have used.
    pub available_seconds: f64,
}

impl Measurement {
    /// Counts an answer.
    pub fn answered(&mut self, status: u16, took: Duration, objectives: &[Objective]) {
        *self.statuses.entry(status).or_default() += 1;
        self.latency.answer(took);
        if REFUSALS.contains(&status) {
            self.refusals.answer(took);
        }
        for objective in objectives {
            let events = self.objectives.entry(objective.slo.clone()).or_default();
            let is_refusal = (400..500).contains(&status);
            let is_slow = threshold(objective).is_some_and(|threshold| took > threshold);
            events.total += u64::from(!is_refusal);
            events.bad += u64::from(!is_refusal && (status >= 500 || is_slow));
        }
    }

    /// Counts requests that got no answer.
    pub fn failed(&mut self, reason: &str, requests: u64, objectives: &[Objective]) {
        *self.failures.entry(reason.to_owned()).or_default() += requests;
        self.latency.no_answer(requests);
        for objective in objectives {
            let events = self.objectives.entry(objective.slo.clone()).or_default();
            events.total += requests;
            events.bad += requests;
        }
    }

    /// Requests that were good for each objective; without one, those that were answered with 200.
    #[must_use]
    pub fn good(&self) -> u64 {
        let of_each = self.objectives.values().map(|events| events.total - events.bad);
        of_each.min().unwrap_or_else(|| self.statuses.get(&200).copied().unwrap_or_default())
    }

    /// All answers.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// All requests that were sent, answered or not.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.answers() + self.failures.values().sum::<u64>()
    }

    /// Adds another phase's, process's or machine's.
    pub fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        for (status, answers) in &other.statuses {
            *self.statuses.entry(*status).or_default() += answers;
        }
        for (reason, requests) in &other.failures {
            *self.failures.entry(reason.clone()).or_default() += requests;
        }
        self.latency.merge(&other.latency);
        self.refusals.merge(&other.refusals);
        add(&mut self.objectives, &other.objectives);
        self.checks.merge(&other.checks);
        self.generator.processor_seconds += other.generator.processor_seconds;
        self.generator.available_seconds += other.generator.available_seconds;
        self.service = match (self.service, other.service) {
            (Some(one), Some(other)) => Some(one.and(&other)),
            (one, other) => one.or(other),
        };
    }
}

impl<'measurement> FromIterator<&'measurement Self> for Measurement {
    fn from_iter<T: IntoIterator<Item = &'measurement Self>>(all: T) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.merge(one);
        }
        sum
    }
}

impl Checks {
    fn merge(&mut self, other: &Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.not_answered += other.not_answered;
        self.without_retry_after += other.without_retry_after;
        if self.first_wrong.is_none() {
            self.first_wrong.clone_from(&other.first_wrong);
        }
    }
}

impl Generator {
    /// The share of its processor time that was used or waited for.
    #[must_use]
    pub fn busy(&self) -> f64 {
        if self.available_seconds > 0.0 { self.processor_seconds / self.available_seconds } else { 0.0 }
    }
}

/// Adds events to those of the same objective.
pub(crate) fn add(sum: &mut BTreeMap<String, Events>, others: &BTreeMap<String, Events>) {
    for (slo, events) in others {
        let sum = sum.entry(slo.clone()).or_default();
        sum.total += events.total;
        sum.bad += events.bad;
    }
}

fn threshold(objective: &Objective) -> Option<Duration> {
    Duration::try_from_secs_f64(objective.threshold_seconds?.to_f64()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::objectives::tests::fixed;

    fn objectives() -> Vec<Objective> {
        ["api-availability", "api-latency"].map(fixed).to_vec()
    }

    /// (total, bad) of availability, then of latency.
    #[rstest]
    #[case::fast_and_right(200, 1, [(1, 0), (1, 0)])]
    #[case::at_the_threshold(200, 25, [(1, 0), (1, 0)])]
    #[case::slow(200, 26, [(1, 0), (1, 1)])]
    #[case::a_fast_error_is_not_fast(500, 1, [(1, 1), (1, 1)])]
    #[case::a_shed_request_is_the_servers(503, 1, [(1, 1), (1, 1)])]
    #[case::a_refusal_is_the_clients(401, 1, [(0, 0), (0, 0)])]
    #[case::a_used_up_quota_is_the_clients(429, 900, [(0, 0), (0, 0)])]
    fn an_answer_counts_as_the_alerts_count_it(
        #[case] status: u16,
        #[case] milliseconds: u64,
        #[case] expected: [(u64, u64); 2],
    ) {
        let mut measurement = Measurement::default();
        measurement.answered(status, Duration::from_millis(milliseconds), &objectives());
        let seen: Vec<_> = measurement.objectives.values().map(|events| (events.total, events.bad)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_request_without_an_answer_is_bad_for_every_objective() {
        let mut measurement = Measurement::default();
        measurement.failed("timeout", 7, &objectives());
        assert_eq!((measurement.sent(), measurement.answers(), measurement.latency.unanswered()), (7, 0, 7));
        assert!(measurement.objectives.values().all(|events| (events.total, events.bad) == (7, 7)));
    }

    fn any_measurement() -> impl Strategy<Value = Measurement> {
        let answers =
            proptest::collection::vec((prop_oneof![Just(200), Just(429), Just(500)], 0_u64..100), 0..20);
        (answers, 0_u64..5, proptest::option::of("[a-z]{3}")).prop_map(|(answers, failures, first_wrong)| {
            let (objectives, mut measurement) =
                (objectives(), Measurement { offered: 20, ..Measurement::default() });
            for (status, milliseconds) in answers {
                measurement.answered(status, Duration::from_millis(milliseconds), &objectives);
            }
            measurement.failed("timeout", failures, &objectives);
            measurement.checks.first_wrong = first_wrong;
            measurement
        })
    }

    fn merged(one: &Measurement, other: &Measurement) -> Measurement {
        let mut sum = one.clone();
        sum.merge(other);
        sum
    }

    proptest! {
        // Histograms are large; what differs between cases is not.
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_does_not_matter_which_two_are_merged_first(
            one in any_measurement(),
            other in any_measurement(),
            third in any_measurement(),
        ) {
            prop_assert_eq!(merged(&merged(&one, &other), &third), merged(&one, &merged(&other, &third)));
        }
    }
}
