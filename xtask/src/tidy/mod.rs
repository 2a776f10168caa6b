//! `cargo xtask tidy`: the workspace's own rules. One file for each rule, one line in the registry.
//!
//! A rule looks at the files that git would track and says what is wrong, where, and what would be right. Must never
//! change a file.

use crate::workspace::Workspace;

pub(crate) fn run(_workspace: &Workspace) -> anyhow::Result<()> {
    Ok(())
}
