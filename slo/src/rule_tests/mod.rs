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
