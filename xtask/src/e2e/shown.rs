//! The table of what a run showed: printed, and committed beside what it is about.
//!
//! Numbers of another run must be the same; its times need not. Must never be written into the checkout by a test: the
//! new table lies in target/, and the test says how to take it over.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::report::Took;
use crate::workspace::Workspace;

/// A row; its text is one of Markdown.
#[derive(Debug)]
pub(super) struct Line {
    what: String,
    shown: String,
    took: Duration,
}

impl Line {
    /// What took from then until now.
    pub(super) fn new(what: &str, shown: String, begun: Instant) -> Self {
        Self::that_took(what, shown, begun.elapsed())
    }

    /// What took this long.
    pub(super) fn that_took(what: &str, shown: String, took: Duration) -> Self {
        Self { what: what.to_owned(), shown, took }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} | {} | {} |", self.what, self.shown, Took(self.took))
    }
}

/// Prints the table, and fails when the committed one shows something else. `name` is the test's.
pub(super) fn compare(
    workspace: &Workspace,
    name: &str,
    committed_in: &str,
    table: &str,
) -> anyhow::Result<()> {
    println!("{table}");
    let committed = std::fs::read_to_string(workspace.path(committed_in)).unwrap_or_default();
    if timeless(&committed) == timeless(table) {
        return Ok(());
    }
    let new = format!("target/e2e-{name}.md");
    std::fs::write(workspace.path(&new), table)?;
    bail!("{committed_in} shows something else than this run; if this is right: cp {new} {committed_in}")
}

/// The table without its last column of times.
fn timeless(table: &str) -> String {
    table
        .lines()
        .map(|line| line.rsplit_once(" | ").filter(|(_, last)| is_time(last)).map_or(line, |(rest, _)| rest))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a last cell is a duration, as [`Took`] writes it.
fn is_time(cell: &str) -> bool {
    let cell = cell.trim_end_matches(" |");
    cell.strip_suffix(" s")
        .is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || ". min".contains(c)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::another_time("| a | 31 resources | 9.1 s |", "| a | 31 resources | 3 min 05 s |", true)]
    #[case::another_number("| a | 31 resources | 9.1 s |", "| a | 30 resources | 9.1 s |", false)]
    #[case::another_reason("| CKV | 1 | one |", "| CKV | 1 | another |", false)]
    #[case::another_row("| a | b | 1 s |", "| a | b | 1 s |\n| c | d | 1 s |", false)]
    fn only_times_may_differ(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(timeless(one) == timeless(other), same);
    }
}
