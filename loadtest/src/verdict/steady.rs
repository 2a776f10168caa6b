//! Whether a service that is asked the same for long stays as it was. Must never pass what it cannot tell.

use rust_decimal::prelude::ToPrimitive as _;

use super::{Findings, Steady, percent};
use crate::result::PhaseResult;
use crate::trend::Trend;

pub(super) fn findings(phases: &[PhaseResult], steady: &Steady) -> Findings {
    let mut findings = Findings::default();
    for phase in phases.iter().filter(|phase| !phase.phase.overload) {
        let name = &phase.phase.name;
        for (what, trend, at_most) in [
            ("resident memory", phase.memory_trend(), steady.memory_growth_at_most),
            ("p99", phase.p99_trend(), steady.p99_growth_at_most),
        ] {
            let limit = at_most.to_f64().unwrap_or(0.0);
            match trend {
                None => findings.incomplete.push(format!("{name}: nobody can say how {what} went on")),
                Some(trend) if trend.low > limit => findings.proven.push(format!(
                    "{name}: {what} grew by {}; expected at most {} %",
                    words(&trend),
                    percent(at_most)
                )),
                Some(trend) if trend.high > limit => findings.incomplete.push(format!(
                    "{name}: {what} grew by {}; whether that is more than {} %, a longer run would say",
                    words(&trend),
                    percent(at_most)
                )),
                Some(_) => {}
            }
        }
    }
    findings
}

/// In percent, with how sure that is.
pub(crate) fn words(Trend { growth, low, high }: &Trend) -> String {
    format!("{:.1} % (95 % sure: {:.1} to {:.1} %)", growth * 100.0, low * 100.0, high * 100.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use rust_decimal::Decimal;

    use super::*;
    use crate::engine::{Cost, Second};
    use crate::measurement::Measurement;
    use crate::result::tests::run;

    /// Forty seconds in which memory and p99 grow by these shares, with a little noise.
    fn phases(memory: f64, p99: f64) -> Vec<PhaseResult> {
        let mut phases = run(Measurement::default()).phases;
        phases[0].seconds = (0_u32..40)
            .map(|second| {
                let along = f64::from(second) / 39.0 - 0.5;
                let noise = if second % 2 == 0 { 0.01 } else { -0.01 };
                let at = |growth: f64| 100.0 * (growth.mul_add(along, 1.0) + noise);
                let resident_bytes = at(memory).to_u64().unwrap();
                Second {
                    p99_ms: Some(at(p99)),
                    service: Some(Cost { resident_bytes, ..Cost::default() }),
                    ..Second::default()
                }
            })
            .collect();
        phases
    }

    const STEADY: Steady = Steady {
        memory_growth_at_most: Decimal::from_parts(5, 0, 0, false, 2),
        p99_growth_at_most: Decimal::from_parts(2, 0, 0, false, 1),
    };

    #[rstest]
    #[case::flat(0.0, 0.0, "", "")]
    #[case::faster(0.0, -0.5, "", "")]
    #[case::a_leak(0.1, 0.0, "only: resident memory grew by ", "")]
    #[case::ever_slower(0.0, 0.4, "only: p99 grew by ", "")]
    #[case::at_the_limit(0.05, 0.0, "", "a longer run would say")]
    fn growth_is_proven_or_denied_or_it_is_said_that_nobody_knows(
        #[case] memory: f64,
        #[case] p99: f64,
        #[case] fails: &str,
        #[case] says_nothing: &str,
    ) {
        let Findings { proven, incomplete, .. } = findings(&phases(memory, p99), &STEADY);
        assert_eq!(
            (proven.len(), incomplete.len()),
            (usize::from(!fails.is_empty()), usize::from(!says_nothing.is_empty()))
        );
        assert!(proven.iter().all(|said| said.starts_with(fails)), "{proven:?}");
        assert!(incomplete.iter().all(|said| said.ends_with(says_nothing)), "{incomplete:?}");
    }

    #[test]
    fn of_a_service_that_nobody_watched_nobody_can_say() {
        let mut phases = phases(0.0, 0.0);
        phases[0].seconds.iter_mut().for_each(|second| second.service = None);
        let Findings { incomplete, .. } = findings(&phases, &STEADY);
        assert_eq!(incomplete, ["only: nobody can say how resident memory went on"]);
    }
}
