//! The one run that the results of all its shares make. Must never add up what was not sent at the same time, nor judge a
//! run of which a part is missing.

use crate::engine::{Second, SlowSeen};
use crate::result::{PhaseResult, RunResult};
use crate::scenario::{Phase, Scenario};
use crate::share::Share;
use crate::verdict::judge_shares;

/// The shares may begin a phase so much of its length apart: for so long less was sent than was offered.
const MOST_APART: f64 = 0.05;

/// Results that are not those of all shares of one run.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MergeError {
    /// A run of its own, or none at all.
    #[error("{0} is no share of a run; merge what `loadtest run --share` kept")]
    NoShare(String),
    /// Of another run.
    #[error("{one} and {other} have not the same {what}; merge the shares of one run of one scenario")]
    Differ {
        /// The first.
        one: String,
        /// Another.
        other: String,
        /// In what.
        what: &'static str,
    },
    /// Not each share once.
    #[error(
        "the shares {given:?} are given, of {of} from 0; merge each of them once, for the load was theirs together"
    )]
    NotEachOnce {
        /// In order.
        given: Vec<u16>,
        /// How many there are.
        of: u16,
    },
    /// They did not send together.
    #[error(
        "{phase}: its shares began {apart:.2} s apart; expected at most {at_most:.2} s, as they are one load only together"
    )]
    Apart {
        /// The phase.
        phase: String,
        /// Seconds.
        apart: f64,
        /// Seconds.
        at_most: f64,
    },
}

/// The run that the shares of it make, judged as one, and each generator by itself.
///
/// # Errors
///
/// When they are not all the shares of one run of that scenario, sent at the same time.
pub fn merge(scenario: &Scenario, results: &[RunResult]) -> Result<RunResult, MergeError> {
    let shares = results.iter().map(share).collect::<Result<Vec<_>, _>>()?;
    let (Some((first, others)), Some(Share { begin_at, .. })) = (results.split_first(), shares.first())
    else {
        return Err(MergeError::NoShare("nothing".to_owned()));
    };
    for (result, share) in results.iter().zip(&shares) {
        same_run(first, begin_at, result, share)?;
        is_of(scenario, result, share)?;
    }
    each_once(&shares)?;
    let phases = scenario.phases.iter().enumerate().map(|(at, phase)| {
        together(phase, &results.iter().filter_map(|result| result.phases.get(at)).collect::<Vec<_>>())
    });
    let phases = phases.collect::<Result<Vec<_>, _>>()?;
    let measurements: Vec<_> = results.iter().map(RunResult::measurement).collect();
    Ok(RunResult {
        run_id: format!("{}-{begin_at}", first.scenario),
        share: None,
        other_machines: others.iter().map(|result| result.machine.clone()).collect(),
        verdict: judge_shares(&phases, &measurements, &scenario.expectation),
        phases,
        ..first.clone()
    })
}

fn share(result: &RunResult) -> Result<&Share, MergeError> {
    result.share.as_ref().ok_or_else(|| MergeError::NoShare(result.run_id.clone()))
}

fn same_run(first: &RunResult, begin_at: &str, other: &RunResult, share: &Share) -> Result<(), MergeError> {
    let differ = [
        ("scenario", first.scenario != other.scenario),
        ("time to begin", begin_at != share.begin_at),
        ("commit of the harness", first.machine.commit != other.machine.commit),
        ("build of the harness", first.machine.build_profile != other.machine.build_profile),
        ("credentials", first.credentials != other.credentials),
        ("bodies", first.payload_sha256 != other.payload_sha256),
    ];
    differ.into_iter().find(|(_, differ)| *differ).map_or(Ok(()), |(what, _)| {
        Err(MergeError::Differ { one: first.run_id.clone(), other: other.run_id.clone(), what })
    })
}

/// Whether it sent what its share of that scenario is.
fn is_of(scenario: &Scenario, result: &RunResult, share: &Share) -> Result<(), MergeError> {
    let phases = share.part.of(scenario).map(|own| own.phases).unwrap_or_default();
    if phases.iter().eq(result.phases.iter().map(|result| &result.phase)) {
        return Ok(());
    }
    Err(MergeError::Differ {
        one: scenario.name.clone(),
        other: result.run_id.clone(),
        what: "phases, divided by the shares",
    })
}

fn each_once(shares: &[&Share]) -> Result<(), MergeError> {
    let of = shares.iter().map(|share| share.part.of).max().unwrap_or_default();
    let mut given: Vec<_> = shares.iter().map(|share| share.part.index).collect();
    given.sort_unstable();
    if given.iter().copied().eq(0..of) { Ok(()) } else { Err(MergeError::NotEachOnce { given, of }) }
}

/// What all shares of a phase saw.
fn together(phase: &Phase, shares: &[&PhaseResult]) -> Result<PhaseResult, MergeError> {
    let began = || shares.iter().map(|share| share.began_seconds);
    let (earliest, latest) = (began().fold(f64::INFINITY, f64::min), began().fold(0.0, f64::max));
    let (apart, at_most) = (latest - earliest, MOST_APART * phase.seconds);
    if apart > at_most {
        return Err(MergeError::Apart { phase: phase.name.clone(), apart, at_most });
    }
    let seconds = shares.iter().map(|share| share.seconds.len()).max().unwrap_or_default();
    let second = |at| shares.iter().filter_map(|share| share.seconds.get(at)).collect::<Second>();
    Ok(PhaseResult {
        phase: phase.clone(),
        began_seconds: earliest,
        flags: shares.first().map(|share| share.flags.clone()).unwrap_or_default(),
        measurement: shares.iter().map(|share| &share.measurement).collect(),
        seconds: (0..seconds).map(second).collect(),
        slow_clients: shares.iter().filter_map(|share| share.slow_clients).reduce(SlowSeen::and),
        // Shares ask a service that is there, of which nobody knows the quota.
        restarted_seconds: None,
        neighbour: None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::measurement::{Generator, Measurement};
    use crate::result::tests::run;
    use crate::share::Part;
    use crate::share::tests::smoke;

    /// Both shares of a run in which each generator had that to do.
    fn halves(generators: [Generator; 2]) -> Vec<RunResult> {
        let half = |(index, generator)| {
            let part = Part { index, of: 2 };
            let mut result = run(Measurement { generator, ..Measurement::default() });
            result.run_id = format!("half-{index}");
            result.share = Some(Share { part, begin_at: "2026-01-01T12:00:00Z".to_owned() });
            let seen = result.phases.remove(0);
            let phases = part.of(&smoke()).unwrap().phases;
            result.phases = phases.into_iter().map(|phase| PhaseResult { phase, ..seen.clone() }).collect();
            result
        };
        (0..).zip(generators).map(half).collect()
    }

    type Change = fn(&mut RunResult);

    const OTHER_SCENARIO: Change = |other| other.scenario = "other".to_owned();
    const OTHER_TIME: Change = |other| other.share.as_mut().unwrap().begin_at = "2027".to_owned();
    const OTHER_COMMIT: Change = |other| other.machine.commit = "1234567".to_owned();
    const OTHER_BODIES: Change = |other| other.payload_sha256 = "ff".to_owned();
    const OTHER_RATE: Change = |other| other.phases[0].phase.rate = Some(1);
    const FEWER_PHASES: Change = |other| other.phases.clear();
    const NO_SHARE: Change = |other| other.share = None;
    const LATER: Change = |other| other.phases[0].began_seconds = 0.5;

    #[rstest]
    #[case(OTHER_SCENARIO, "half-0 and half-1 have not the same scenario")]
    #[case(OTHER_TIME, "the same time to begin")]
    #[case(OTHER_COMMIT, "the same commit of the harness")]
    #[case(OTHER_BODIES, "the same bodies")]
    #[case(OTHER_RATE, "smoke and half-1 have not the same phases, divided by the shares")]
    #[case(FEWER_PHASES, "the same phases, divided by the shares")]
    #[case(NO_SHARE, "half-1 is no share of a run")]
    #[case(LATER, "its shares began 0.50 s apart; expected at most 0.30 s")]
    fn what_was_not_one_load_is_not_added_up(#[case] change: Change, #[case] says: &str) {
        let mut shares = halves([Generator::default(); 2]);
        change(&mut shares[1]);
        let refused = merge(&smoke(), &shares).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }

    #[test]
    fn a_generator_that_measured_itself_is_not_hidden_by_the_others() {
        let busy = |processor_seconds| Generator { processor_seconds, available_seconds: 10.0 };
        let merged = merge(&smoke(), &halves([busy(9.0), busy(1.0)])).unwrap();
        assert!(merged.measurement().generator.busy() < 0.7);
        assert!(
            merged.verdict.because.contains("the generator used or waited for 90 %"),
            "{:?}",
            merged.verdict
        );
    }
}
