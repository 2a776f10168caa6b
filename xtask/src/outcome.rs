//! How a test, a benchmark or a step ended, when it did not fail.
//!
//! A failure is an `Err`: it carries its reasons. Must never turn a missing answer into a pass.

use anyhow::bail;

use crate::workspace::Workspace;

/// The end of something that ran without an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was tried, and it is so.
    Passed,
    /// It could not be tried here, and why. A failure in CI, unless `--allow-skip NAME` is given.
    Skipped(String),
}

impl Outcome {
    /// Says how it ended. Where nobody is watching, what was skipped is an error.
    pub(crate) fn announce(self, workspace: &Workspace, name: &str) -> anyhow::Result<()> {
        match self {
            Self::Passed => eprintln!("passed {name}"),
            Self::Skipped(reason) if workspace.ci() => {
                bail!("{name} was skipped, which CI does not take: {reason}")
            }
            Self::Skipped(reason) => eprintln!("SKIPPED {name}: {reason}"),
        }
        Ok(())
    }
}
