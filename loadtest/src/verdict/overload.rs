//! What has to hold while more is asked than can be done, and after it: what can be done is done, the rest is refused fast,
//! and nothing is left of it. Must never hold a rate: how much can be done is the most that any phase of the run had.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{Expectation, Findings, Overload, incomplete, percent, starved, wrong};
use crate::latency::count;
use crate::measurement::Measurement;
use crate::objectives::Objective;
use crate::result::PhaseResult;

pub(super) fn findings(phases: &[PhaseResult], expected: &Expectation, overload: &Overload) -> Findings {
    let (overloads, others): (Vec<_>, Vec<_>) = phases.iter().partition(|phase| phase.phase.overload);
    let most = phases.iter().map(PhaseResult::goodput).fold(0.0, f64::max);
    let mut findings = Findings::default();
    for phase in &overloads {
        findings.extend(phase_findings(phase, most, expected, overload));
    }
    let resident = |phases: &[&PhaseResult]| {
        phases
            .iter()
            .map(|phase| Some(phase.measurement.service?.resident_bytes))
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max()
    };
    if let Some(growth) = overload.memory_growth_at_most {
        match (resident(&others), resident(&overloads)) {
            (Some(before), Some(with)) => findings.missed.extend(grown(before, with, growth)),
            _ => findings.incomplete.push("nobody looked at the service's memory".to_owned()),
        }
    }
    for (phase, next) in phases.iter().zip(phases.iter().skip(1)) {
        if phase.phase.overload && !next.phase.overload {
            findings.incomplete.extend(looked_too_late(phase, next, overload));
        }
    }
    findings
}

fn phase_findings(phase: &PhaseResult, most: f64, expected: &Expectation, overload: &Overload) -> Findings {
    let (name, measured) = (&phase.phase.name, &phase.measurement);
    let mut findings = Findings {
        wrong: wrong(measured, &expected.allowed(&phase.phase)),
        starved: starved(measured),
        incomplete: incomplete(measured, &[]),
        ..Findings::default()
    };
    let silent = measured.checks.without_retry_after;
    if silent > 0 {
        findings
            .wrong
            .push(format!("{name}: {silent} refusals did not say by Retry-After when to come again"));
    }
    let (goodput, least) = (phase.goodput(), overload.goodput_at_least.to_f64().unwrap_or(1.0) * most);
    if goodput < least {
        findings.proven.push(format!(
            "{name}: {goodput:.0} good answers a second, where {most:.0} can be done; expected at least {} % of it",
            percent(overload.goodput_at_least)
        ));
    }
    if count(measured.offered) <= most * phase.phase.seconds {
        findings
            .incomplete
            .push(format!("{name}: no more was asked than the {most:.0} a second that can be done"));
    }
    findings
        .missed
        .extend(expected.objectives.iter().filter_map(|objective| slow_refusals(name, measured, objective)));
    findings
}

/// A refusal has the time of an answer: at the percentile that the objective's budget leaves. `name` is that of the
/// phase.
pub(super) fn slow_refusals(name: &str, measured: &Measurement, objective: &Objective) -> Option<String> {
    let (threshold, budget) = (objective.threshold_seconds?.to_f64()?, objective.budget.to_f64()?);
    let quantile = measured.refusals.quantile(1.0 - budget)?;
    let took = quantile.value?.as_secs_f64();
    (took > threshold).then(|| {
        format!(
            "{name}: the slowest {} % of refusals took longer than {:.1} ms; expected {} ms, as of an answer",
            percent(objective.budget),
            took * 1e3,
            threshold * 1e3
        )
    })
}

fn grown(before: u64, with: u64, growth: Decimal) -> Option<String> {
    let is_more = Decimal::from(with) > Decimal::from(before) * (Decimal::ONE + growth);
    is_more.then(|| {
        format!(
            "under overload {with} bytes were resident, and {before} without; expected at most {} % more",
            percent(growth)
        )
    })
}

/// The time from one phase to the next is nobody's: it has to be short enough for what is said of it.
fn looked_too_late(phase: &PhaseResult, next: &PhaseResult, overload: &Overload) -> Option<String> {
    let end = phase.began_seconds + phase.phase.warm_up_seconds + phase.phase.seconds;
    let late = next.began_seconds + next.phase.warm_up_seconds - end;
    (late > overload.recovery.as_secs_f64()).then(|| {
        format!(
            "{} counts from {late:.1} s after the overload; a recovery within {:?} can't be seen so late",
            next.phase.name, overload.recovery
        )
    })
}

#[cfg(test)]
mod tests;
