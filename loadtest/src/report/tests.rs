//! What a person is shown of a result.

use std::time::Duration;

use super::*;
use crate::result::tests::run;
use crate::verdict::Verdict;

/// What a target might answer to be run in a reader's browser.
const HOSTILE: &str = "<script>alert(1)</script>";

fn result() -> RunResult {
    let mut measurement = Measurement { offered: 2_000, ..Measurement::default() };
    for millisecond in 1..=2_000 {
        measurement.answered(200, Duration::from_micros(millisecond), &[]);
    }
    let mut result = run(measurement);
    result.verdict = Verdict {
        outcome: Outcome::Fail,
        because: format!("3 answers are wrong: {HOSTILE}"),
        besides: vec!["and late".to_owned()],
    };
    result
}

#[test]
fn the_verdict_stands_first_and_no_percentile_without_samples() {
    let text = markdown(&result());
    assert!(text.starts_with("# try: FAIL\n\n3 answers are wrong"), "{text}");
    assert!(text.contains("| latency | p99 1.98 ms (95 % sure: 1.9"), "{text}");
    assert!(!text.contains("p99.9"), "{text}");
}

#[test]
fn what_the_service_took_is_told_and_drawn_or_said_not_to_be_measured() {
    let mut result = result();
    assert!(markdown(&result).contains("| service | not measured |"));
    let cost = Cost { processor_seconds: 0.5, seconds: 2.0, resident_bytes: 21 << 20 };
    for phase in &mut result.phases {
        phase.measurement.service = Some(cost);
        phase.seconds.iter_mut().for_each(|second| second.service = Some(cost));
    }
    let words = "| service | 0.25 cores, 250 µs of processor an answer, 21.0 MiB resident at most |";
    assert!(markdown(&result).contains(words), "{}", markdown(&result));
    assert_eq!(page(&result).unwrap().matches("only: ").count(), 5);
}

#[test]
fn a_page_needs_nothing_else_and_runs_nothing_that_a_target_answered() {
    let page = page(&result()).unwrap();
    assert_eq!(page.matches("only: ").count(), 3);
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
    for elsewhere in ["src=", "href=", "url(", "@import"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn all_plots_are_one_picture() {
    let picture = picture(&result()).unwrap();
    for title in ["only: latency over time", "only: offered and delivered", "only: percentile spectrum"] {
        assert!(picture.contains(title), "{title}");
    }
    assert_eq!((picture.matches("<svg ").count(), picture.matches("</svg>").count()), (1, 1));
}
