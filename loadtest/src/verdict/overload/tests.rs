//! What a run under overload is failed for, with the sentence.

use std::time::Duration;

use rstest::rstest;

use super::super::{AllowedStatus, Outcome, Verdict, judge_phases};
use super::*;
use crate::engine::Cost;
use crate::measurement::{Checks, Generator, Measurement};
use crate::objectives::tests::fixed;
use crate::result::tests::run;

const SECONDS: u64 = 10;

fn expected() -> Expectation {
    Expectation {
        statuses: vec![AllowedStatus { status: 200, at_most: None }],
        objectives: vec![fixed("api-latency")],
        overload: Some(Overload {
            goodput_at_least: Decimal::new(95, 2),
            memory_growth_at_most: Some(Decimal::new(1, 1)),
            recovery: Duration::from_secs(2),
        }),
        ..Expectation::default()
    }
}

/// Ten seconds, from that second on, in which so many a second were answered in time and so many refused after so long.
fn phase(overload: bool, began_seconds: f64, good: u64, refused: u64, refused_after_ms: u64) -> PhaseResult {
    let mut measured = Measurement {
        offered: (good + refused) * SECONDS,
        checks: Checks { right: 100, ..Checks::default() },
        generator: Generator { processor_seconds: 3.0, available_seconds: 10.0 },
        service: Some(Cost { processor_seconds: 1.0, seconds: 10.0, resident_bytes: 1_000 }),
        ..Measurement::default()
    };
    let objectives = expected().objectives;
    for _ in 0..good * SECONDS {
        measured.answered(200, Duration::from_millis(10), &objectives);
    }
    for _ in 0..refused * SECONDS {
        measured.answered(503, Duration::from_millis(refused_after_ms), &objectives);
    }
    let mut phase = run(measured).phases.remove(0);
    phase.phase.name = if overload { "ten-times" } else { "below" }.to_owned();
    phase.phase.overload = overload;
    phase.phase.seconds = 10.0;
    phase.began_seconds = began_seconds;
    phase
}

/// 200 a second can be done; ten times as much is asked, and half of it again.
fn phases() -> [PhaseResult; 3] {
    [phase(false, 0.0, 100, 0, 0), phase(true, 11.0, 200, 1_800, 1), phase(false, 22.0, 100, 0, 0)]
}

fn changed(change: impl FnOnce(&mut [PhaseResult; 3])) -> Verdict {
    let mut phases = phases();
    change(&mut phases);
    judge_phases(&phases, &expected())
}

#[test]
fn a_service_that_does_what_it_can_and_refuses_the_rest_fast_passes() {
    let verdict = changed(|_| ());
    assert_eq!((verdict.outcome, verdict.besides.as_slice()), (Outcome::Pass, &[][..]), "{verdict:?}");
}

#[rstest]
#[case::collapses(
    |phases: &mut [PhaseResult; 3]| {
        phases[0] = phase(false, 0.0, 200, 0, 0);
        phases[1] = phase(true, 11.0, 189, 1_811, 1);
    },
    Outcome::Fail,
    "ten-times: 189 good answers a second, where 200 can be done; expected at least 95 % of it"
)]
#[case::refuses_slowly(
    |phases: &mut [PhaseResult; 3]| phases[1] = phase(true, 11.0, 200, 1_800, 26),
    Outcome::Fail,
    "ten-times: the slowest 1 % of refusals took longer than 26.0 ms; expected 25 ms, as of an answer"
)]
#[case::refuses_without_a_word(
    |phases: &mut [PhaseResult; 3]| phases[1].measurement.checks.without_retry_after = 7,
    Outcome::Fail,
    "ten-times: 7 refusals did not say by Retry-After when to come again"
)]
#[case::breaks(
    |phases: &mut [PhaseResult; 3]| phases[1].measurement.answered(500, Duration::ZERO, &[]),
    Outcome::Fail,
    "1 of 20001 answers have status 500; expected 200 or 429 or 503"
)]
#[case::grows(
    |phases: &mut [PhaseResult; 3]| phases[1].measurement.service.as_mut().unwrap().resident_bytes = 1_101,
    Outcome::Fail,
    "under overload 1101 bytes were resident, and 1000 without; expected at most 10 % more"
)]
#[case::does_not_recover(
    |phases: &mut [PhaseResult; 3]| phases[2] = phase(false, 22.0, 98, 2, 1),
    Outcome::Fail,
    "20 of 2000 answers have status 503; expected 200"
)]
#[case::recovers_unseen(
    |phases: &mut [PhaseResult; 3]| phases[2].began_seconds = 23.1,
    Outcome::Invalid,
    "below counts from 2.1 s after the overload; a recovery within 2s can't be seen so late"
)]
#[case::is_not_overloaded(
    |phases: &mut [PhaseResult; 3]| phases[1] = phase(true, 11.0, 200, 0, 0),
    Outcome::Invalid,
    "ten-times: no more was asked than the 200 a second that can be done"
)]
#[case::is_not_looked_at(
    |phases: &mut [PhaseResult; 3]| phases[1].measurement.service = None,
    Outcome::Invalid,
    "nobody looked at the service's memory"
)]
#[case::has_a_starved_generator(
    |phases: &mut [PhaseResult; 3]| {
        phases[1] = phase(true, 11.0, 100, 1_900, 26);
        phases[1].measurement.generator.processor_seconds = 9.0;
    },
    Outcome::Invalid,
    "the generator used or waited for 90 % of its processor time"
)]
fn a_service_under_overload(
    #[case] change: fn(&mut [PhaseResult; 3]),
    #[case] outcome: Outcome,
    #[case] because: &str,
) {
    let verdict = changed(change);
    assert_eq!(verdict.outcome, outcome, "{verdict:?}");
    assert!(verdict.because.starts_with(because), "{verdict:?}");
}
