//! A bounded run of each fuzz target: long enough to find what a change broke, short enough for every run of the tests.
//!
//! What the fuzzer finds interesting goes under `target/`: the committed corpus holds what people chose.

use std::fs;

use anyhow::Context as _;
use xshell::cmd;

use crate::outcome::Outcome;
use crate::workspace::Workspace;

const FOLDER: &str = "services/inference/fuzz";
const TARGETS: [&str; 3] = ["body", "certificate", "token"];

/// Runs of each target: some seconds of each.
const RUNS: u32 = 300_000;

/// Builds and runs every target.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let shell = workspace.shell()?;
    // The fuzzer's instrumentation is a flag that the stable compiler keeps behind this.
    let _flags = shell.push_env("RUSTC_BOOTSTRAP", "1");
    for target in TARGETS {
        let found = workspace.path("target/fuzz-corpus").join(target);
        fs::create_dir_all(&found).with_context(|| found.display().to_string())?;
        let chosen = workspace.path(FOLDER).join("corpus").join(target);
        let runs = format!("-runs={RUNS}");
        // No sanitizer: the crate forbids unsafe code, and panics and failed assertions are found without one.
        // `--dev`: the build takes a third of the time, and overflows are checked.
        cmd!(
            shell,
            "cargo fuzz run --fuzz-dir {FOLDER} --target-dir target/fuzz --dev --sanitizer none {target} {found} {chosen}
            -- {runs} -max_total_time=15 -max_len=4096 -print_final_stats=1"
        )
        .run()?;
    }
    Ok(Outcome::Passed)
}
