//! Whether a run passed: CORRECT ∧ VALID ∧ SLO, with one sentence that says why. Owns what makes a run worth believing;
//! must never hold a threshold of the service, which are in [`crate::objectives`].
//!
//! What is proven is a failure, even when the rest of the run is missing: a wrong answer, and more bad ones than the budget
//! of all that was due. Beyond that, a run that is not worth believing says nothing: a third answer, and never a pass.

mod beside;
mod overload;
mod quota;
pub(crate) mod steady;

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::latency::{LEAST_BEYOND, count};
use crate::measurement::{Events, Measurement, REFUSALS};
use crate::objectives::Objective;
use crate::result::{PhaseResult, together};
use crate::scenario::{Phase, Quota};
use crate::share::Part;

/// Of the requests that were due, so many have to be sent: a request that was not sent would have been a slow one.
const LEAST_SENT: f64 = 0.99;

/// Beyond this share of its processor time a generator measures itself.
const BUSIEST_GENERATOR: f64 = 0.7;

/// What a run is expected to show.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// Statuses that may be answered.
    pub statuses: Vec<AllowedStatus>,
    /// Objectives that have to be met.
    pub objectives: Vec<Objective>,
    /// What has to hold in the phases that ask for more than can be done, if there are some.
    pub overload: Option<Overload>,
    /// What must not grow over a phase, if something must not.
    pub steady: Option<Steady>,
    /// What a client gets that asks for more than its quota, if there is one.
    pub quota: Option<KeptQuota>,
    /// So long at most the service puts up with a request that comes a byte a second.
    pub slow_clients_ended_within: Option<Duration>,
}

/// What has to hold while more is asked than can be done, and after it.
#[derive(Debug, Clone)]
pub struct Overload {
    /// At least this share of the most good answers a second that any phase had.
    pub goodput_at_least: Decimal,
    /// Resident memory beyond that of the other phases, as a share of it.
    pub memory_growth_at_most: Option<Decimal>,
    /// By then the next phase has to count.
    pub recovery: Duration,
}

/// How much may grow from the beginning of a phase to its end, as shares of the medians.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steady {
    /// Of the service's resident memory.
    pub memory_growth_at_most: Decimal,
    /// Of the 99th percentile of latency, second by second.
    pub p99_growth_at_most: Decimal,
}

/// What a client gets that asks for more than its quota: the quota and no more, and fast refusals for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptQuota {
    /// How much each client may ask.
    pub quota: Quota,
    /// At least this share of it is answered.
    pub at_least: Decimal,
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

impl Expectation {
    /// Statuses that may be answered in a phase: one that asks for more than can be done may be refused.
    #[must_use]
    pub fn allowed(&self, phase: &Phase) -> Vec<AllowedStatus> {
        let refusals = REFUSALS.map(|status| AllowedStatus { status, at_most: None });
        let refusals = if phase.overload { &refusals[..] } else { &[] };
        [self.statuses.as_slice(), refusals].concat()
    }
}

impl Verdict {
    /// Of a share, which by itself is no load that anybody asked for.
    pub(crate) fn of_share(part: Part) -> Self {
        let because = format!(
            "share {} of {}, from 0; all of them are judged by `loadtest merge`",
            part.index, part.of
        );
        Self { outcome: Outcome::Invalid, because, besides: Vec::new() }
    }
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

/// What speaks against a pass, in the order in which it decides.
#[derive(Debug, Default)]
struct Findings {
    wrong: Vec<String>,
    starved: Vec<String>,
    proven: Vec<String>,
    incomplete: Vec<String>,
    missed: Vec<String>,
}

impl Findings {
    fn of(measured: &Measurement, expected: &Expectation) -> Self {
        let mut proven = missed(measured, &expected.objectives, measured.offered);
        // Where there is an objective, its budget says how many may fail.
        if expected.objectives.is_empty() {
            proven.extend(unanswered(measured));
        }
        Self {
            wrong: wrong(measured, &expected.statuses),
            starved: starved(measured),
            proven,
            incomplete: incomplete(measured, &expected.objectives),
            missed: missed(measured, &expected.objectives, 0),
        }
    }

    fn extend(&mut self, other: Self) {
        self.wrong.extend(other.wrong);
        self.starved.extend(other.starved);
        self.proven.extend(other.proven);
        self.incomplete.extend(other.incomplete);
        self.missed.extend(other.missed);
    }

    /// What comes of it for a run that saw all of this.
    fn verdict(self, measured: &Measurement) -> Verdict {
        let in_order = [
            (Outcome::Fail, self.wrong),
            (Outcome::Invalid, self.starved),
            (Outcome::Fail, self.proven),
            (Outcome::Invalid, self.incomplete),
            (Outcome::Fail, self.missed),
        ];
        let decides = in_order.iter().find(|(_, found)| !found.is_empty());
        let outcome = decides.map_or(Outcome::Pass, |(outcome, _)| *outcome);
        let mut said = HashSet::new();
        let mut found =
            in_order.into_iter().flat_map(|(_, found)| found).filter(|found| said.insert(found.clone()));
        let because = found.next().unwrap_or_else(|| {
            format!(
                "all {} answers were as expected, {} of them compared with golden ones, and each objective is met",
                measured.answers(),
                measured.checks.right
            )
        });
        Verdict { outcome, because, besides: found.collect() }
    }
}

/// Judges what was measured.
#[must_use]
pub fn judge(measured: &Measurement, expected: &Expectation) -> Verdict {
    Findings::of(measured, expected).verdict(measured)
}

/// Judges a run: the phases that ask for more than can be done by what has to hold in those, the others together.
#[must_use]
pub fn judge_phases(phases: &[PhaseResult], expected: &Expectation) -> Verdict {
    of_phases(phases, expected).verdict(&together(phases))
}

/// Judges what the shares of a run came to together, and each generator by itself: one that measured itself would be
/// hidden by the others.
#[must_use]
pub(crate) fn judge_shares(
    phases: &[PhaseResult],
    shares: &[Measurement],
    expected: &Expectation,
) -> Verdict {
    let mut findings = of_phases(phases, expected);
    findings.starved.extend(shares.iter().flat_map(starved));
    findings.verdict(&together(phases))
}

fn of_phases(phases: &[PhaseResult], expected: &Expectation) -> Findings {
    let mut findings = Findings::of(&together(phases.iter().filter(|phase| !phase.phase.overload)), expected);
    if let Some(overload) = &expected.overload {
        findings.extend(overload::findings(phases, expected, overload));
    }
    if let Some(steady) = &expected.steady {
        findings.extend(steady::findings(phases, steady));
    }
    if let Some(kept) = expected.quota {
        findings.extend(quota::findings(phases, expected, kept));
    }
    if let Some(within) = expected.slow_clients_ended_within {
        findings.extend(beside::slow_clients(phases, within));
    }
    findings.incomplete.extend(phases.iter().filter_map(beside::restarts));
    findings
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

/// CORRECT: what got no answer, of which none is right.
fn unanswered(measured: &Measurement) -> Option<String> {
    let (answers, sent) = (measured.answers(), measured.sent());
    (answers < sent)
        .then(|| format!("{} of {sent} requests got no answer ({})", sent - answers, reasons(measured)))
}

/// Why requests were not answered, and how many.
fn reasons(measured: &Measurement) -> String {
    let reasons: Vec<_> =
        measured.failures.iter().map(|(reason, times)| format!("{times} {reason}")).collect();
    reasons.join(", ")
}

/// VALID: whether the generator was the one that was measured.
fn starved(measured: &Measurement) -> Vec<String> {
    let busy = measured.generator.busy();
    let said = || {
        format!(
            "the generator used or waited for {:.0} % of its processor time, so it measured itself; it needs a lower rate \
             or more of the machine",
            busy * 100.0
        )
    };
    (busy > BUSIEST_GENERATOR).then(said).into_iter().collect()
}

/// VALID: what is missing.
fn incomplete(measured: &Measurement, objectives: &[Objective]) -> Vec<String> {
    let mut found = Vec::new();
    let (sent, offered) = (measured.sent(), measured.offered);
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

fn too_few(measured: &Measurement, objective: &Objective) -> Option<String> {
    let (total, needed) = (events(measured, objective).total, requests_needed(objective));
    (Decimal::from(total) < needed).then(|| {
        format!(
            "{}: {total} requests count, and a budget of {} % needs {needed}",
            objective.slo,
            percent(objective.budget)
        )
    })
}

/// Requests without which an objective can't be judged: like the quantile that it is, with [`LEAST_BEYOND`] bad ones
/// allowed.
#[must_use]
pub fn requests_needed(objective: &Objective) -> Decimal {
    (Decimal::from(LEAST_BEYOND) / objective.budget).ceil()
}

/// SLO: which objectives are missed, if at least so many requests are taken to count.
fn missed(measured: &Measurement, objectives: &[Objective], at_least: u64) -> Vec<String> {
    objectives.iter().filter_map(|objective| miss(measured, objective, at_least)).collect()
}

fn miss(measured: &Measurement, objective: &Objective, at_least: u64) -> Option<String> {
    let Events { total, bad } = events(measured, objective);
    if Decimal::from(bad) <= objective.budget * Decimal::from(total.max(at_least)) {
        return None;
    }
    let bad_is = match objective.threshold_seconds {
        Some(threshold) => {
            format!("took longer than {} ms or failed", (threshold * Decimal::ONE_THOUSAND).normalize())
        }
        None => "failed".to_owned(),
    };
    let reasons = reasons(measured);
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({reasons})") };
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
