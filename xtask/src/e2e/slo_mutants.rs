//! Every generated rule file, changed here and there: some generated test notices, or the survivor has a reason.

use xshell::cmd;

use super::E2e;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e slo-mutants`
pub(crate) const TEST: E2e = E2e {
    name: "slo-mutants",
    summary: "promtool: the generated tests notice a changed rule (every 41st of all changes; `slo mutants` tries all)",
    needs: &["promtool"],
    run,
};

/// All changes take half an hour of two processors; a prime, so that no kind of change or rule is always left out.
const ONE_IN: &str = "41";

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    cmd!(
        shell,
        "cargo run --quiet --locked --package slo -- mutants --promtool {promtool} --one-in {ONE_IN}"
    )
    .quiet()
    .run()?;
    Ok(Outcome::Passed)
}
