//! What goes on beside the requests of a phase: whether a service ends those who take their time, and whether it was restarted
//! while it was asked. What that costs the others is for the objectives to say.

use std::time::Duration;

use super::Findings;
use crate::engine::SlowSeen;
use crate::result::PhaseResult;

pub(super) fn slow_clients(phases: &[PhaseResult], within: Duration) -> Findings {
    let mut findings = Findings::default();
    for phase in phases {
        let (name, wanted) = (&phase.phase.name, phase.phase.slow_clients.is_some());
        match phase.slow_clients {
            None if !wanted => {}
            None => findings.incomplete.push(format!("{name}: there were no slow clients")),
            Some(SlowSeen { longest_seconds, .. }) if longest_seconds > within.as_secs_f64() => {
                findings.proven.push(format!(
                    "{name}: a request that came a byte a second was put up with for {longest_seconds:.1} s; \
                     expected at most {within:?}"
                ));
            }
            Some(SlowSeen { not_opened, .. }) if not_opened > 0 => {
                findings
                    .incomplete
                    .push(format!("{name}: {not_opened} connections of slow clients could not be made"));
            }
            Some(SlowSeen { ended: 0, .. }) => {
                findings
                    .incomplete
                    .push(format!("{name}: no slow client was there for as long as it may be"));
            }
            Some(_) => {}
        }
    }
    findings
}

/// Instances that were not all back while requests counted.
pub(super) fn restarts(phase: &PhaseResult) -> Option<String> {
    let name = &phase.phase.name;
    let over = phase.phase.warm_up_seconds + phase.phase.seconds;
    match phase.restarted_seconds {
        _ if !phase.phase.restarts => None,
        None => Some(format!("{name}: no instance was restarted")),
        Some(back) => (back > over).then(|| {
            format!(
                "{name}: the last instance was back after {back:.1} s; the phase was over after {over:.1} s"
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::measurement::Measurement;
    use crate::result::tests::run;
    use crate::scenario::SlowClients;

    const SEEN: SlowSeen = SlowSeen { opened: 900, not_opened: 0, ended: 600, longest_seconds: 3.1 };

    #[rstest]
    #[case::ended_in_time(Some(SEEN), None, None)]
    #[case::ended_too_late(
        Some(SlowSeen { longest_seconds: 4.1, ..SEEN }),
        Some("only: a request that came a byte a second was put up with for 4.1 s; expected at most 4s"),
        None
    )]
    #[case::not_let_in(
        Some(SlowSeen { not_opened: 2, ..SEEN }),
        None,
        Some("only: 2 connections of slow clients could not be made")
    )]
    #[case::gone_too_early(
        Some(SlowSeen { ended: 0, ..SEEN }),
        None,
        Some("only: no slow client was there for as long as it may be")
    )]
    #[case::not_there(None, None, Some("only: there were no slow clients"))]
    fn slow_clients_are_ended_in_time_or_it_is_said(
        #[case] seen: Option<SlowSeen>,
        #[case] fails: Option<&str>,
        #[case] says_nothing: Option<&str>,
    ) {
        let mut phases = run(Measurement::default()).phases;
        phases[0].phase.slow_clients = Some(SlowClients { heads: 400, bodies: 200, answers: 400 });
        phases[0].slow_clients = seen;
        let Findings { proven, incomplete, .. } = slow_clients(&phases, Duration::from_secs(4));
        assert_eq!(proven.first().map(String::as_str), fails);
        assert_eq!(incomplete.first().map(String::as_str), says_nothing);
    }

    #[rstest]
    #[case::in_time(true, Some(1.9), None)]
    #[case::too_late(
        true,
        Some(2.1),
        Some("only: the last instance was back after 2.1 s; the phase was over after 2.0 s")
    )]
    #[case::not_at_all(true, None, Some("only: no instance was restarted"))]
    #[case::not_wanted(false, None, None)]
    fn restarts_are_over_before_the_phase_is_or_it_is_said(
        #[case] restarts: bool,
        #[case] restarted_seconds: Option<f64>,
        #[case] says: Option<&str>,
    ) {
        let mut phase = run(Measurement::default()).phases.remove(0);
        phase.phase.restarts = restarts;
        phase.restarted_seconds = restarted_seconds;
        assert_eq!(super::restarts(&phase).as_deref(), says);
    }
}
