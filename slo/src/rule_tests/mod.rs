//! The tests of the rules, made from the same objectives: when each alert has to be silent, to fire and to clear.
//!
//! They run in the real promtool (`cargo xtask e2e rules`), and `cargo xtask e2e slo-mutants` shows that they notice a
//! changed rule. Must never read a rule's expression: they say what the rules have to do, not what they are.

mod examples;
mod expected;
mod file;
mod hold;
mod period;
mod presence;
mod recorded;
mod tier;
mod timing;
mod traffic;
mod values;

use self::traffic::{Sight, Stage, Traffic};
use crate::numbers::Span;
use crate::objectives::{Objectives, Slo};
use crate::query::QueryError;
use crate::rules::Group;

pub use self::file::{ExprTest, InputSeries, Test, TestFile};

/// A test file and where it belongs below the folder of tests, such as `api-latency/page-1h`.
#[derive(Debug, Clone)]
pub struct Named {
    /// Without its ending.
    pub name: String,
    /// The file.
    pub file: TestFile,
}

/// The tests of one objective: a file for each pair of windows, for each hold, for what is recorded and for the
/// period.
///
/// # Errors
///
/// When an expression doesn't parse, which the definitions' checks exclude.
pub fn of_objective(objectives: &Objectives, slo: &Slo) -> Result<Vec<Named>, QueryError> {
    let mut files = tier::files(objectives, slo)?;
    files.extend(hold::files(objectives, slo)?);
    files.extend(recorded::files(objectives, slo)?);
    files.push(period::file(objectives, slo));
    Ok(files)
}

/// The tests of what needs no objective.
#[must_use]
pub fn of_presence(objectives: &Objectives, group: &Group) -> Named {
    presence::file(objectives, group)
}

/// What a scrape in each second sees of one process that has so many good and bad events of one objective in each.
///
/// # Errors
///
/// When a selector doesn't parse, which the definitions' checks exclude.
pub(crate) fn scraped_each_second(
    objectives: &Objectives,
    slo: &Slo,
    good_and_bad: impl Iterator<Item = (u64, u64)>,
) -> Result<Vec<InputSeries>, QueryError> {
    let traffic = Traffic { slo, histograms: &objectives.histograms, step: Span::from_secs(1) };
    let stages: Vec<_> =
        good_and_bad.map(|(good, bad)| Stage { steps: 1, good: signed(good), bad: signed(bad) }).collect();
    traffic.series(&stages, Sight::Whole, "only")
}

fn signed(events: u64) -> i64 {
    i64::try_from(events).unwrap_or(i64::MAX)
}
