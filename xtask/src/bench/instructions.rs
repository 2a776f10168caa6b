//! `cargo xtask bench instructions`: how many instructions the service spends on one request, counted by callgrind.
//!
//! Unlike time, the count hardly depends on what else the machine does, so it is kept in a committed file and a change
//! shows in review. Everything in the process counts: connection, stack, handler, model.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::spread::figure;
use super::{Bench, callgrind};
use crate::artifact;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, KeepAlive};
use crate::outcome::Outcome;
use crate::workspace::Workspace;

const RESULT: &str = "services/inference/benches/instructions.json";

/// Two runs that differ in nothing else: start and end fall out of the difference.
const FEW: u64 = 500;
const MANY: u64 = 5_500;

/// What a change may be without a word about it, as a share.
const TOLERATED: f64 = 0.05;

pub(super) const BENCH: Bench = Bench {
    name: "instructions",
    summary: "instructions for one authenticated request, by callgrind; fails when more than 5 % off the kept count",
    needs: &["valgrind"],
    run,
};

#[derive(Debug, Deserialize, Serialize)]
struct Results {
    command: String,
    instructions_per_request: u64,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let row = golden.first().context("no golden row")?;
    let counted = (count(&binary, row, MANY)? - count(&binary, row, FEW)?) / (MANY - FEW);
    println!("{counted} instructions for one request");

    let path = workspace.path(RESULT);
    let kept: Option<Results> = match std::fs::read(&path) {
        Ok(content) => Some(serde_json::from_slice(&content).context(RESULT)?),
        Err(_) => None,
    };
    let results =
        Results { command: "cargo xtask bench instructions".to_owned(), instructions_per_request: counted };
    std::fs::write(&path, serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT}");
    if let Some(Results { instructions_per_request: before, .. }) = kept {
        let off = change(before, counted);
        ensure!(
            off.abs() <= TOLERATED,
            "{:+.1} % against the kept {before}: commit the new count with the reason",
            off * 100.0
        );
    }
    Ok(Outcome::Passed)
}

fn change(before: u64, now: u64) -> f64 {
    figure(now) / figure(before) - 1.0
}

/// Instructions of a whole life of the service with so many requests in it.
fn count(binary: &Path, row: &Golden, requests: u64) -> anyhow::Result<u64> {
    callgrind::instructions(binary, &[], |service| {
        let request = keep_alive::post(service.ready(), "/api", &[], &row.body);
        let mut connection = KeepAlive::open(service.ready().api)?;
        for _ in 0..requests {
            let answer = connection.send(&request)?;
            ensure!(answer.status == 200 && answer.body == row.answer, "{answer:?}");
        }
        Ok(())
    })
}
