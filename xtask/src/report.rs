//! What a run says about itself: a line when a step begins, a line when it ends, a table and the counts at the end.
//!
//! Owns the closing line that CI reads. Plain text only: no colour and no line that is rewritten, so that a log of it
//! reads like the terminal did.

use std::fmt;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// The reasons, outermost first.
    Failed(String),
    /// Why it could not be tried.
    Skipped(String),
}

impl Verdict {
    const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "FAILED",
            Self::Skipped(_) => "SKIPPED",
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Passed => "",
            Self::Failed(reason) | Self::Skipped(reason) => reason,
        }
    }
}

#[derive(Debug)]
struct Line {
    name: String,
    verdict: Verdict,
    took: Duration,
}

/// The steps that have ended, in their order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Notes how a step ended and says so on the terminal.
    pub(crate) fn ended(&mut self, name: &str, verdict: Verdict, took: Duration) {
        let reason = verdict.reason();
        let colon = if reason.is_empty() { "" } else { ": " };
        eprintln!("    {} {name} in {}{colon}{reason}\n", verdict.word(), Took(took));
        self.lines.push(Line { name: name.to_owned(), verdict, took });
    }

    /// Whether the step of this name has ended without passing.
    pub(crate) fn is_not_passed(&self, name: &str) -> bool {
        self.lines.iter().any(|line| line.name == name && line.verdict != Verdict::Passed)
    }

    /// How many passed, failed and were skipped.
    pub(crate) fn counts(&self) -> Counts {
        let count =
            |wanted: fn(&Verdict) -> bool| self.lines.iter().filter(|line| wanted(&line.verdict)).count();
        Counts {
            passed: count(|verdict| matches!(verdict, Verdict::Passed)),
            failed: count(|verdict| matches!(verdict, Verdict::Failed(_))),
            skipped: count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        }
    }

    /// The table of all steps, with the first line of each reason.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["step", "took", "result", ""]);
        for line in &self.lines {
            let reason = line.verdict.reason().lines().next().unwrap_or_default();
            table.add_row([line.name.as_str(), &Took(line.took).to_string(), line.verdict.word(), reason]);
        }
        let total = self.lines.iter().map(|line| line.took).sum();
        table.add_row(["all", &Took(total).to_string(), "", ""]);
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }
}

/// How many of each; its text is the closing line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// A duration as a person reads it: `0.4 s`, `12 s`, `3 min 05 s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took(pub(crate) Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 10 {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else if seconds < 60 {
            write!(f, "{seconds} s")
        } else {
            write!(f, "{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_ran(&[], "0 passed, 0 failed")]
    #[case::no_word_of_skips_without_one(&[Verdict::Passed, Verdict::Failed("no".into())], "1 passed, 1 failed")]
    #[case::a_skip_is_counted(&[Verdict::Skipped("no podman".into())], "0 passed, 0 failed, 1 skipped")]
    fn the_closing_line_is_plain(#[case] verdicts: &[Verdict], #[case] expected: &str) {
        let mut report = Report::default();
        for verdict in verdicts {
            report.ended("step", verdict.clone(), Duration::ZERO);
        }
        assert_eq!(report.counts().to_string(), expected);
    }

    #[test]
    fn the_table_has_one_line_a_step_and_the_first_line_of_its_reason() {
        let mut report = Report::default();
        report.ended("format", Verdict::Passed, Duration::from_millis(420));
        report.ended("clippy", Verdict::Failed("exit code 101\nmuch more".into()), Duration::from_secs(185));
        let table = report.table();
        assert_eq!(table.lines().count(), 4, "{table}");
        assert!(
            table.contains("0.4 s") && table.contains("3 min 05 s") && table.contains("exit code 101"),
            "{table}"
        );
        assert!(!table.contains("much more"), "{table}");
    }

    #[rstest]
    #[case(Duration::from_millis(9_940), "9.9 s")]
    #[case(Duration::from_secs(59), "59 s")]
    #[case(Duration::from_secs(60), "1 min 00 s")]
    fn a_duration_reads_well(#[case] took: Duration, #[case] expected: &str) {
        assert_eq!(Took(took).to_string(), expected);
    }
}
