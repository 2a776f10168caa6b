//! What a person is shown of a result.

use std::time::Duration;

use super::*;
use crate::engine::Second;
use crate::machine::Machine;
use crate::measurement::Measurement;
use crate::scenario::{Credentials, Phase};
use crate::verdict::Verdict;

/// What a target might answer to be run in a reader's browser.
const HOSTILE: &str = "<script>alert(1)</script>";

fn result() -> RunResult {
    let mut measurement = Measurement { offered: 2_000, ..Measurement::default() };
    for millisecond in 1..=2_000 {
        measurement.answered(200, Duration::from_micros(millisecond), &[]);
    }
    let second = Second { answers: 1_000, errors: 0, p50_ms: Some(1.0), p99_ms: None };
    RunResult {
        run_id: "try-1".to_owned(),
        scenario: "try".to_owned(),
        shows: "A test.".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        machine: Machine::default(),
        credentials: Credentials::None,
        payload_sha256: "00".to_owned(),
        phases: vec![PhaseResult {
            phase: Phase {
                name: "only".to_owned(),
                rate: Some(1_000),
                connections: 1,
                warm_up_seconds: 0.0,
                seconds: 2.0,
            },
            flags: vec!["--no-tui".to_owned()],
            measurement,
            seconds: vec![second.clone(), second],
        }],
        verdict: Verdict {
            outcome: Outcome::Fail,
            because: format!("3 answers are wrong: {HOSTILE}"),
            besides: vec!["and late".to_owned()],
        },
    }
}

#[test]
fn the_verdict_stands_first_and_no_percentile_without_samples() {
    let text = markdown(&result());
    assert!(text.starts_with("# try: FAIL\n\n3 answers are wrong"), "{text}");
    assert!(text.contains("| latency | p99 1.98 ms (95 % sure: 1.9"), "{text}");
    assert!(!text.contains("p99.9"), "{text}");
}

#[test]
fn a_page_needs_nothing_else_and_runs_nothing_that_a_target_answered() {
    let page = page(&result()).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
    for elsewhere in ["src=", "href=", "url(", "@import"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}
