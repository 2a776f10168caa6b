//! Whether a run passed: CORRECT ∧ VALID ∧ SLO, with one sentence that says why. Owns what makes a run worth believing;
//! must never hold a threshold of the service, which are in [`crate::objectives`].
//!
//! What is proven wrong is a failure, even when the rest of the run is not worth believing. Then a run that is not worth
//! believing says nothing about the objectives: a third answer, and never a pass.

use std::process::ExitCode;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::latency::{LEAST_BEYOND, count};
use crate::measurement::{Events, Measurement};
use crate::objectives::Objective;

/// Of the requests that were due, so many have to be sent: a request that was not sent would have been a slow one.
const LEAST_SENT: f64 = 0.99;

/// Beyond this share of its processor time a generator measures itself.
const BUSIEST_GENERATOR: f64 = 0.7;

/// What a run is expected to show.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Statuses that may be answered.
    pub statuses: Vec<AllowedStatus>,
    /// Objectives that have to be met.
    pub objectives: Vec<Objective>,
}

/// A status that may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedStatus {
    /// Such as 200.
    pub status: u16,
    /// No more than this share of the answers; without one, as many as there are.
    pub at_most: Option<Decimal>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All answers were right, and the objectives are met.
    Pass,
    /// An answer was wrong, or an objective is missed.
    Fail,
    /// Nobody can say: never a pass.
    Invalid,
}

/// What came of it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// What came of it.
    pub outcome: Outcome,
    /// The one sentence.
    pub because: String,
    /// Everything else that was found.
    pub besides: Vec<String>,
}

impl Outcome {
    /// 0 pass, 1 fail, 2 nobody can say.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Pass => ExitCode::SUCCESS,
            Self::Fail => ExitCode::from(1),
            Self::Invalid => ExitCode::from(2),
        }
    }
}

/// Judges what was measured.
#[must_use]
pub fn judge(measured: &Measurement, expected: &Expectation) -> Verdict {
    let wrong = wrong(measured, &expected.statuses);
    let unsound = unsound(measured, &expected.objectives);
    let missed = missed(measured, &expected.objectives);
    let outcome = if !wrong.is_empty() {
        Outcome::Fail
    } else if !unsound.is_empty() {
        Outcome::Invalid
    } else if !missed.is_empty() {
        Outcome::Fail
    } else {
        Outcome::Pass
    };
    let mut found = [wrong, unsound, missed].concat().into_iter();
    let because = found.next().unwrap_or_else(|| {
        format!(
            "all {} answers were as expected, {} of them compared with golden ones, and each objective is met",
            measured.answers(),
            measured.checks.right
        )
    });
    Verdict { outcome, because, besides: found.collect() }
}

/// CORRECT: what was answered that must not be.
fn wrong(measured: &Measurement, allowed: &[AllowedStatus]) -> Vec<String> {
    let mut found = Vec::new();
    let answers = measured.answers();
    for (status, times) in &measured.statuses {
        match allowed.iter().find(|allowed| allowed.status == *status) {
            None => {
                let expected: Vec<_> = allowed.iter().map(|allowed| allowed.status.to_string()).collect();
                found.push(format!(
                    "{times} of {answers} answers have status {status}; expected {}",
                    expected.join(" or ")
                ));
            }
            Some(AllowedStatus { at_most: Some(share), .. })
                if Decimal::from(*times) > *share * Decimal::from(answers) =>
            {
                found.push(format!(
                    "{times} of {answers} answers have status {status}; expected at most {} %",
                    percent(*share)
                ));
            }
            Some(_) => {}
        }
    }
    let checks = &measured.checks;
    if checks.wrong > 0 {
        found.push(format!(
            "{} of {} answers that were compared are wrong: {}",
            checks.wrong,
            checks.wrong + checks.right,
            checks.first_wrong.as_deref().unwrap_or("the first was not kept")
        ));
    }
    found
}

/// VALID: why the run can't be believed.
fn unsound(measured: &Measurement, objectives: &[Objective]) -> Vec<String> {
    let mut found = Vec::new();
    let (sent, offered, busy) = (measured.sent(), measured.offered, measured.generator.busy());
    if busy > BUSIEST_GENERATOR {
        found.push(format!(
            "the generator used {:.0} % of its processor time, so it measured itself; it needs a lower rate or more threads",
            busy * 100.0
        ));
    }
    if sent == 0 {
        found.push("no request was sent".to_owned());
    } else if count(sent) < LEAST_SENT * count(offered) {
        found.push(format!(
            "only {sent} of {offered} requests that were due were sent: each connection was still waiting for an answer"
        ));
    }
    // Where nothing came back there was nothing to compare, and the objectives say so.
    if measured.answers() > 0 && measured.checks.right + measured.checks.wrong == 0 {
        found.push("no answer was compared with a golden one".to_owned());
    }
    found.extend(objectives.iter().filter_map(|objective| too_few(measured, objective)));
    found
}

/// An objective is judged like the quantile that it is: with as many bad events allowed as a quantile needs beyond it.
fn too_few(measured: &Measurement, objective: &Objective) -> Option<String> {
    let Events { total, .. } = events(measured, objective);
    let needed = (Decimal::try_from(LEAST_BEYOND).ok()? / objective.budget).ceil();
    (Decimal::from(total) < needed).then(|| {
        format!(
            "{}: {total} requests count, and a budget of {} % needs {needed}",
            objective.slo,
            percent(objective.budget)
        )
    })
}

/// SLO: which objectives are missed.
fn missed(measured: &Measurement, objectives: &[Objective]) -> Vec<String> {
    objectives.iter().filter_map(|objective| miss(measured, objective)).collect()
}

fn miss(measured: &Measurement, objective: &Objective) -> Option<String> {
    let Events { total, bad } = events(measured, objective);
    if Decimal::from(bad) <= objective.budget * Decimal::from(total) {
        return None;
    }
    let bad_is = match objective.threshold_seconds {
        Some(threshold) => {
            format!("took longer than {} ms or failed", (threshold * Decimal::ONE_THOUSAND).normalize())
        }
        None => "failed".to_owned(),
    };
    let reasons: Vec<_> =
        measured.failures.iter().map(|(reason, times)| format!("{times} {reason}")).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    Some(format!(
        "{}: {bad} of {total} requests {bad_is}{reasons}; its budget is {} %",
        objective.slo,
        percent(objective.budget)
    ))
}

fn events(measured: &Measurement, objective: &Objective) -> Events {
    measured.objectives.get(&objective.slo).copied().unwrap_or_default()
}

fn percent(share: Decimal) -> Decimal {
    (share * Decimal::ONE_HUNDRED).normalize()
}

#[cfg(test)]
mod tests;
