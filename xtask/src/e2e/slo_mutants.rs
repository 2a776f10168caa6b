//! Generated rules, changed in every way: some generated test notices, or the survivor has a reason.

use xshell::cmd;

use super::E2e;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e slo-mutants`
pub(crate) const TEST: E2e = E2e {
    name: "slo-mutants",
    summary: "promtool: the generated tests notice every change of a generated rule that can be noticed",
    needs: &["promtool"],
    run,
};

/// One rule file of each way of counting. The others are made by the same lines of code with other names and numbers;
/// `slo mutants` without names takes all of them, which is half an hour.
const FILES: [&str; 3] = ["api-latency", "jwks-freshness", "presence"];

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    cmd!(shell, "cargo run --quiet --locked --package slo -- mutants --promtool {promtool} {FILES...}")
        .quiet()
        .run()?;
    Ok(Outcome::Passed)
}
