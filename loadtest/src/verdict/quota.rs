//! Whether each client has a quota for itself: one that asks for more gets it and no more, and the refusals cost nobody. What
//! that costs the others is for the objectives to say.

use rust_decimal::prelude::ToPrimitive as _;

use super::overload::slow_refusals;
use super::{AllowedStatus, Expectation, Findings, KeptQuota, percent, wrong};
use crate::latency::count;
use crate::measurement::Measurement;
use crate::result::PhaseResult;

/// Too Many Requests (RFC 6585 §4).
const OVER_QUOTA: u16 = 429;

pub(super) fn findings(phases: &[PhaseResult], expected: &Expectation, kept: KeptQuota) -> Findings {
    let mut findings = Findings::default();
    for phase in phases.iter().filter(|phase| phase.phase.neighbour.is_some()) {
        let name = &phase.phase.name;
        match &phase.neighbour {
            None => findings.incomplete.push(format!("{name}: there was no neighbour")),
            Some(measured) => {
                findings.extend(of_neighbour(name, measured, phase.phase.seconds, expected, kept))
            }
        }
    }
    findings
}

fn of_neighbour(
    name: &str,
    measured: &Measurement,
    seconds: f64,
    expected: &Expectation,
    KeptQuota { quota, at_least }: KeptQuota,
) -> Findings {
    let refused = AllowedStatus { status: OVER_QUOTA, at_most: None };
    let mut findings = Findings {
        wrong: wrong(measured, &[expected.statuses.as_slice(), &[refused]].concat()),
        ..Findings::default()
    };
    let (got, entitled) = (count(measured.good()), f64::from(quota.rate) * seconds);
    let most = entitled + f64::from(quota.burst);
    if got > most {
        findings.proven.push(format!("{name}: the neighbour got {got} answers; its quota is {most}"));
    }
    if count(measured.sent()) <= most {
        let sent = measured.sent();
        findings.incomplete.push(format!("{name}: the neighbour sent {sent} requests; its quota is {most}"));
    } else if got < entitled * at_least.to_f64().unwrap_or(1.0) {
        findings.proven.push(format!(
            "{name}: the neighbour got {got} answers of the {entitled} of its quota; expected at least {} %",
            percent(at_least)
        ));
    }
    findings
        .missed
        .extend(expected.objectives.iter().filter_map(|objective| slow_refusals(name, measured, objective)));
    findings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use rust_decimal::Decimal;

    use super::*;
    use crate::objectives::tests::fixed;
    use crate::result::tests::run;
    use crate::scenario::{Neighbour, Quota};

    const KEPT: KeptQuota = KeptQuota {
        quota: Quota { rate: 100, burst: 50 },
        at_least: Decimal::from_parts(95, 0, 0, false, 2),
    };

    fn expected() -> Expectation {
        Expectation {
            statuses: vec![AllowedStatus { status: 200, at_most: None }],
            objectives: vec![fixed("api-latency")],
            quota: Some(KEPT),
            ..Expectation::default()
        }
    }

    /// Ten seconds.
    fn phase(neighbour: Option<Measurement>) -> PhaseResult {
        let mut phase = run(Measurement::default()).phases.remove(0);
        phase.phase.seconds = 10.0;
        phase.phase.neighbour = Some(Neighbour { rate: 1_000, connections: 10 });
        phase.neighbour = neighbour;
        phase
    }

    fn got(answers: u64, refusals: u64, refused_after_ms: u64) -> Measurement {
        let mut measured = Measurement { offered: answers + refusals, ..Measurement::default() };
        for _ in 0..answers {
            measured.answered(200, Duration::from_millis(1), &[]);
        }
        for _ in 0..refusals {
            measured.answered(429, Duration::from_millis(refused_after_ms), &[]);
        }
        measured
    }

    #[rstest]
    #[case::its_quota(got(1_000, 9_000, 1), "")]
    #[case::and_its_burst(got(1_050, 9_000, 1), "")]
    #[case::nearly(got(950, 9_000, 1), "")]
    #[case::more(got(1_051, 9_000, 1), "only: the neighbour got 1051 answers; its quota is 1050")]
    #[case::less(
        got(949, 9_000, 1),
        "only: the neighbour got 949 answers of the 1000 of its quota; expected at least 95 %"
    )]
    #[case::asked_for_little(got(1_000, 50, 1), "only: the neighbour sent 1050 requests; its quota is 1050")]
    #[case::refused_slowly(
        got(1_000, 9_000, 26),
        "only: the slowest 1 % of refusals took longer than 26.0 ms; expected 25 ms, as of an answer"
    )]
    fn a_client_that_asks_for_more_gets_its_quota(#[case] neighbour: Measurement, #[case] says: &str) {
        let Findings { proven, incomplete, missed, .. } =
            findings(&[phase(Some(neighbour))], &expected(), KEPT);
        let found = [proven, incomplete, missed].concat();
        assert_eq!(found, if says.is_empty() { Vec::new() } else { vec![says.to_owned()] });
    }

    #[test]
    fn it_is_refused_and_nothing_else() {
        let mut broken = got(1_000, 9_000, 1);
        broken.answered(503, Duration::from_millis(1), &[]);
        let Findings { wrong, .. } = findings(&[phase(Some(broken))], &expected(), KEPT);
        assert_eq!(wrong, ["1 of 10001 answers have status 503; expected 200 or 429"]);
    }

    #[test]
    fn without_a_neighbour_nobody_can_say() {
        let Findings { incomplete, .. } = findings(&[phase(None)], &expected(), KEPT);
        assert_eq!(incomplete, ["only: there was no neighbour"]);
    }
}
