//! `cargo xtask bench newcomer`: how long the README's two commands take where nothing was built before.
//!
//! Crates, modules and packages that this machine has downloaded before are not downloaded again: what a network takes is
//! not ours to promise.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use xshell::cmd;

use super::Bench;
use super::spread::rounded;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::report::Took;
use crate::stack::Part;
use crate::workspace::Workspace;

const RESULT: &str = "docs/data/newcomer.json";

pub(super) const BENCH: Bench = Bench {
    name: "newcomer",
    summary: "the README's two commands in a fresh clone of what is committed; takes as long as all tests",
    needs: &[],
    run,
};

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    commands: Vec<Timed>,
}

#[derive(Debug, Serialize)]
struct Timed {
    /// As the README has it.
    command: &'static str,
    seconds: f64,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let machine = Machine::read(workspace)?;
    fs::create_dir_all(workspace.path("target"))?;
    let folder = tempfile::tempdir_in(workspace.path("target"))?;
    let clone = folder.path().join("puntual");
    let shell = workspace.shell()?;
    let origin = workspace.root();
    cmd!(shell, "git clone --quiet {origin} {clone}").run()?;
    let commands = vec![
        timed("cargo run --release", || answers(&clone, folder.path()))?,
        timed("cargo xtask test", || {
            let _inside = shell.push_dir(&clone);
            Ok(cmd!(shell, "cargo xtask test").run()?)
        })?,
    ];
    let results = Results { command: "cargo xtask bench newcomer", machine, commands };
    let path = workspace.path(RESULT);
    fs::write(&path, serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT}");
    Ok(Outcome::Passed)
}

fn timed(command: &'static str, run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Timed> {
    let begun = Instant::now();
    run().with_context(|| command.to_owned())?;
    println!("{command}: {}", Took(begun.elapsed()));
    Ok(Timed { command, seconds: rounded(begun.elapsed().as_secs_f64()) })
}

/// Until the service is ready: its build, which is waited for without a limit, and then its start.
fn answers(clone: &Path, folder: &Path) -> anyhow::Result<()> {
    let ready = folder.join("ready.json");
    let command = || {
        let mut command = Command::new("cargo");
        command.args(["run", "--quiet", "--release"]).current_dir(clone);
        command
    };
    let status = command().args(["--", "--version"]).status()?;
    ensure!(status.success(), "it ended with {status}");
    let mut started = command();
    started
        .args(["--", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--ready-file"])
        .arg(&ready);
    let mut service = Part::start("service", started, folder)?;
    service.ready(|_| Ok(ready.exists()))?;
    service.stop()
}
