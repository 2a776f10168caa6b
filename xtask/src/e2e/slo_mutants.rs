//! The rules that need no objective, changed in every way: some generated test notices, or the survivor has a reason.

use xshell::cmd;

use super::E2e;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e slo-mutants`
pub(crate) const TEST: E2e = E2e {
    name: "slo-mutants",
    summary: "promtool: the generated tests notice every change of a rule about presence that can be noticed",
    needs: &["promtool"],
    run,
};

/// The rule files that are tried here. All of them, by `slo mutants` without names, take more than half an hour of two
/// processors.
const FILES: [&str; 1] = ["presence"];

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    cmd!(shell, "cargo run --quiet --locked --package slo -- mutants --promtool {promtool} {FILES...}")
        .quiet()
        .run()?;
    Ok(Outcome::Passed)
}
