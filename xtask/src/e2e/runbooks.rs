//! What the runbooks tell a person to type is typed: each `sh run` block, in its order, against the service and all that
//! watches it on loopback.

use std::time::Duration;

use anyhow::ensure;

use super::E2e;
use crate::outcome::Outcome;
use crate::runbooks::{self, Variables};
use crate::stack::{self, Ports, Serving, Setup, Stack};
use crate::workspace::Workspace;

/// `cargo xtask e2e runbooks`
pub(crate) const TEST: E2e = E2e {
    name: "runbooks",
    summary: "every command of a runbook that is marked `run` does what it is there for",
    needs: stack::NEEDS,
    run,
};

const SETUP: Setup = Setup { probe_interval: Duration::from_secs(1), ..Setup::real_time(Ports::Free) };

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let serving = Serving::start(workspace, SETUP)?;
    let samples = Stack::data(&serving);
    let stack = Stack::watch(workspace, serving, SETUP, &samples)?;
    let variables = Variables::write(workspace, &stack.serving, &stack.prometheus.samples)?;
    let (mut run, mut failed) = (0, Vec::new());
    for (name, page) in runbooks::pages(workspace)? {
        for command in &page.commands {
            run += 1;
            if let Err(wrong) = variables.type_in(workspace, command) {
                failed.push(format!("runbooks/{name}:{}: {wrong:#}", command.line));
            }
        }
    }
    println!("    {run} commands, {} failed", failed.len());
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    ensure!(run > 0, "no page has a command that is run");
    stack.serving.stop()?;
    Ok(Outcome::Passed)
}
