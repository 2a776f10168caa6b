//! `cargo xtask bench batching`: what a dynamic batch could save, and what it would cost (ADR 1).

use std::fs;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};
use xshell::cmd;

use super::Bench;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

const RESULT: &str = "services/inference/benches/results/batching.json";

pub(super) const BENCH: Bench = Bench {
    name: "batching",
    summary: "the model's time for a row at several batch sizes, against a hop to another task and back",
    needs: &[],
    run,
};

/// What the benchmark prints.
#[derive(Debug, Deserialize, Serialize)]
struct Measured {
    batches: Vec<Batch>,
    hop_ns: f64,
    hop_of_a_single_row: f64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Batch {
    batch: usize,
    ns_for_a_row: f64,
    of_a_single_row: f64,
}

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    measured: Measured,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let shell = workspace.shell()?;
    let printed = cmd!(shell, "cargo bench --quiet --locked --package inference --bench batching").read()?;
    let measured: Measured = serde_json::from_str(&printed).context("the benchmark's output")?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["what", "ns", "of a single row"]);
    for Batch { batch, ns_for_a_row, of_a_single_row } in &measured.batches {
        table.add_row([format!("a row in {batch}"), ns_for_a_row.to_string(), of_a_single_row.to_string()]);
    }
    table.add_row([
        "a hop and back".to_owned(),
        measured.hop_ns.to_string(),
        measured.hop_of_a_single_row.to_string(),
    ]);
    println!("{table}");
    let results =
        Results { command: "cargo xtask bench batching", machine: Machine::read(workspace)?, measured };
    let path = workspace.path(RESULT);
    fs::create_dir_all(path.parent().context("the result's folder")?)?;
    fs::write(&path, serde_json::to_string_pretty(&results)? + "\n").with_context(|| RESULT)?;
    println!("written to {RESULT}");
    Ok(Outcome::Passed)
}
