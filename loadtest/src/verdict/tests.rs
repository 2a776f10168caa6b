//! Each way in which a run passes, fails or says nothing, with the sentence.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::measurement::{Checks, Generator};
use crate::objectives::tests::fixed;

fn expected() -> Expectation {
    Expectation {
        statuses: vec![
            AllowedStatus { status: 200, at_most: None },
            AllowedStatus { status: 429, at_most: Some(Decimal::new(5, 1)) },
        ],
        objectives: ["api-availability", "api-latency"].map(fixed).to_vec(),
        ..Expectation::default()
    }
}

/// A run of so many answers of one status, each after so long.
fn run(status: u16, answers: u64, milliseconds: u64) -> Measurement {
    let mut measured = Measurement {
        offered: answers,
        checks: Checks { right: 552, ..Checks::default() },
        generator: Generator { processor_seconds: 3.0, available_seconds: 10.0 },
        ..Measurement::default()
    };
    and(&mut measured, status, answers, milliseconds);
    measured
}

fn and(measured: &mut Measurement, status: u16, answers: u64, milliseconds: u64) {
    let objectives = expected().objectives;
    for _ in 0..answers {
        measured.answered(status, Duration::from_millis(milliseconds), &objectives);
    }
}

fn good() -> Measurement {
    run(200, 20_000, 1)
}

fn changed(change: impl FnOnce(&mut Measurement)) -> Measurement {
    let mut measured = good();
    change(&mut measured);
    measured
}

fn with_wrong_answers() -> Measurement {
    changed(|measured| {
        measured.checks.wrong = 3;
        measured.checks.first_wrong = Some("expected [0], got [1]".to_owned());
    })
}

fn without_answers(requests: u64) -> Measurement {
    changed(|measured| {
        measured.offered += requests;
        measured.failed("timeout", requests, &expected().objectives);
    })
}

fn starved() -> Measurement {
    changed(|measured| measured.generator.processor_seconds = 9.9)
}

fn with_slow_answers(answers: u64) -> Measurement {
    changed(|measured| {
        measured.offered += answers;
        and(measured, 200, answers, 26);
    })
}

fn with_used_up_quotas(answers: u64) -> Measurement {
    changed(|measured| {
        measured.offered += answers;
        and(measured, 429, answers, 1);
    })
}

#[rstest]
#[case::good(good(), Outcome::Pass, "all 20000 answers were as expected, 552 of them compared")]
#[case::all_errors(
    run(500, 20_000, 1),
    Outcome::Fail,
    "20000 of 20000 answers have status 500; expected 200 or 429"
)]
#[case::wrong_classes(
    with_wrong_answers(),
    Outcome::Fail,
    "3 of 555 answers that were compared are wrong: expected [0], got [1]"
)]
#[case::within_the_share(with_used_up_quotas(20_000), Outcome::Pass, "all 40000")]
#[case::beyond_the_share(
    with_used_up_quotas(20_001),
    Outcome::Fail,
    "20001 of 40001 answers have status 429; expected at most 50 %"
)]
#[case::starved(starved(), Outcome::Invalid, "the generator used or waited for 99 % of its processor time")]
#[case::not_sent(changed(|run| run.offered = 20_203), Outcome::Invalid, "only 20000 of 20203 requests that were due were sent")]
#[case::nearly_all_sent(changed(|run| run.offered = 20_202), Outcome::Pass, "")]
#[case::nothing_sent(Measurement { offered: 100, ..Measurement::default() }, Outcome::Invalid, "no request was sent")]
#[case::nothing_compared(changed(|run| run.checks.right = 0), Outcome::Invalid, "no answer was compared")]
#[case::too_few(
    run(200, 9_999, 1),
    Outcome::Invalid,
    "api-availability: 9999 requests count, and a budget of 0.1 % needs 10000"
)]
#[case::failures_within_the_budget(without_answers(20), Outcome::Pass, "")]
#[case::failures_beyond_the_budget(
    without_answers(21),
    Outcome::Fail,
    "api-availability: 21 of 20021 requests failed (21 timeout); its budget is 0.1 %"
)]
#[case::slow_within_the_budget(with_slow_answers(202), Outcome::Pass, "")]
#[case::slow_beyond_the_budget(
    with_slow_answers(203),
    Outcome::Fail,
    "api-latency: 203 of 20203 requests took longer than 25 ms or failed; its budget is 1 %"
)]
fn a_run_is_judged(#[case] measured: Measurement, #[case] outcome: Outcome, #[case] because: &str) {
    let verdict = judge(&measured, &expected());
    assert_eq!(verdict.outcome, outcome, "{verdict:?}");
    assert!(verdict.because.starts_with(because), "{verdict:?}");
}

#[test]
fn a_wrong_answer_is_wrong_however_little_the_rest_can_be_believed() {
    let mut measured = with_wrong_answers();
    measured.offered *= 10;
    let verdict = judge(&measured, &expected());
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert!(verdict.besides.iter().any(|besides| besides.contains("that were due")), "{verdict:?}");
}

/// So many slow ones of 20,000 that were sent, and ten times as many that were due.
#[rstest]
#[case::it_is_proven_if_all_that_is_missing_were_good(2_001, Outcome::Fail, "api-latency: 2001 of 22001")]
#[case::nobody_can_say(1_000, Outcome::Invalid, "only 21000 of 200000 requests that were due")]
fn a_missed_objective_of_which_much_is_missing(
    #[case] slow: u64,
    #[case] outcome: Outcome,
    #[case] because: &str,
) {
    let mut measured = with_slow_answers(slow);
    measured.offered = 200_000;
    let verdict = judge(&measured, &expected());
    assert_eq!(verdict.outcome, outcome, "{verdict:?}");
    assert!(verdict.because.starts_with(because), "{verdict:?}");
    assert!(verdict.besides.iter().all(|besides| *besides != verdict.because), "{verdict:?}");
}

#[test]
fn without_an_objective_that_allows_some_no_request_may_go_without_an_answer() {
    let expected = Expectation { objectives: Vec::new(), ..expected() };
    let verdict = judge(&without_answers(1), &expected);
    assert_eq!(verdict.outcome, Outcome::Fail, "{verdict:?}");
    assert_eq!(verdict.because, "1 of 20001 requests got no answer (1 timeout)");
    assert_eq!(judge(&good(), &expected).outcome, Outcome::Pass);
}

#[test]
fn a_starved_generator_proves_nothing_about_latency() {
    let mut measured = with_slow_answers(10_000);
    measured.generator.processor_seconds = 9.9;
    assert_eq!(judge(&measured, &expected()).outcome, Outcome::Invalid);
}

proptest! {
    // Histograms are large; what differs between cases is not.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn one_wrong_answer_among_any_number_of_good_ones_is_no_pass(
        good_answers in 0_u64..1_000,
        errors in 0_u64..3,
        wrong in 0_u64..3,
    ) {
        prop_assume!(errors + wrong > 0);
        let mut measured = run(200, good_answers, 1);
        and(&mut measured, 500, errors, 1);
        measured.checks.wrong = wrong;
        prop_assert_eq!(judge(&measured, &expected()).outcome, Outcome::Fail);
    }
}
