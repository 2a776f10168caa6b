//! `cargo xtask bench peers`: puntual beside the servers that people use for this today. The same model, the same rows, the
//! same client, one machine, one run, in turns; every row's answer is compared before anything is measured, and a sample of
//! them while it is.
//!
//! What is unfair about it is said in `loadtest/peers/README.md`. Must never leave out one because of its figures.

mod catalogue;
mod limits;
mod measure;
mod processes;

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use self::catalogue::PEERS;
use self::measure::{Client, Measured, Subject};
use super::Bench;

use super::spread::{Spread, rounded};
use crate::development::Development;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

const RESULT: &str = "loadtest/results/peers.json";

/// Each of them once in each.
const ROUNDS: usize = 3;

pub(super) const BENCH: Bench = Bench {
    name: "peers",
    summary: "good requests a second, latency, processor and memory, beside the servers that people use today",
    needs: &["nginx", "python", "flask", "fastapi", "litserve", "bentoml", "mosec", "mlserver"],
    run,
};

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    /// How the capacity was looked for, and the rate of the latencies.
    scenarios: [&'static str; 2],
    rounds: usize,
    systems: Vec<System>,
}

/// What was found of one.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct System {
    pub(crate) name: String,
    /// Whether each request had to prove who sends it.
    pub(crate) tokens: bool,
    /// The highest offered rate at which the objectives are met.
    pub(crate) good_per_second: Spread,
    /// Its share of puntual's in the same round, with tokens or without as here.
    pub(crate) share_of_puntual: Spread,
    /// Of all rounds together, as are the next two.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// For one request at the rate of the latencies.
    pub(crate) processor_us: Spread,
    pub(crate) resident_mib: Spread,
    /// From the start of its process until it answers.
    pub(crate) start_ms: Spread,
    /// The program, or the environment that it runs in.
    pub(crate) disk_mib: f64,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let development = Development::build(workspace)?;
    let client = Client::build(workspace, &development)?;
    let subjects = subjects(workspace)?;
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for round in 1..=ROUNDS {
        let mut measured = Vec::new();
        for subject in &subjects {
            let found = subject.measure(&client).with_context(|| subject.title())?;
            eprintln!("    round {round} of {ROUNDS}: {}: {}/s", subject.title(), found.good_per_second);
            measured.push(found);
        }
        rounds.push(measured);
    }
    let systems = (0..)
        .zip(&subjects)
        .map(|(at, subject)| system(subject, at, &rounds, &subjects))
        .collect::<anyhow::Result<Vec<_>>>()?;
    show(&systems);
    let results = Results {
        command: "cargo xtask bench peers",
        machine: Machine::read(workspace)?,
        scenarios: measure::SCENARIOS,
        rounds: ROUNDS,
        systems,
    };
    fs::write(workspace.path(RESULT), serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT}");
    Ok(Outcome::Passed)
}

/// puntual first, each without tokens before the same with them; the limits, which know none, at the end.
fn subjects(workspace: &Workspace) -> anyhow::Result<Vec<Subject>> {
    let mut subjects = vec![Subject::puntual(workspace, false)?, Subject::puntual(workspace, true)?];
    for peer in PEERS {
        subjects.push(Subject::peer(workspace, peer, false));
        if peer.checks_tokens {
            subjects.push(Subject::peer(workspace, peer, true));
        }
    }
    subjects.extend(limits::limits(workspace)?.map(Subject::limit));
    Ok(subjects)
}

fn system(
    subject: &Subject,
    at: usize,
    rounds: &[Vec<Measured>],
    subjects: &[Subject],
) -> anyhow::Result<System> {
    let puntual = subjects.iter().position(|other| other.tokens == subject.tokens).context("no puntual")?;
    let spread = |of: &dyn Fn(&Measured, &Measured) -> f64| {
        let pairs = rounds.iter().filter_map(|round| Some(of(round.get(at)?, round.get(puntual)?)));
        Spread::of(pairs.collect())
    };
    let mut latencies = Histogram::<u64>::new(3)?;
    for round in rounds {
        latencies.add(&round.get(at).context("a round without it")?.latencies)?;
    }
    let quantile =
        |quantile| rounded(Duration::from_nanos(latencies.value_at_quantile(quantile)).as_secs_f64() * 1e3);
    Ok(System {
        name: subject.name.to_owned(),
        tokens: subject.tokens,
        good_per_second: spread(&|own, _| own.good_per_second)?,
        share_of_puntual: spread(&|own, puntual| own.good_per_second / puntual.good_per_second)?,
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        p999_ms: quantile(0.999),
        processor_us: spread(&|own, _| own.processor_us)?,
        resident_mib: spread(&|own, _| own.resident_mib)?,
        start_ms: spread(&|own, _| own.start_ms)?,
        disk_mib: rounded(subject.disk_mib()?),
    })
}

fn show(systems: &[System]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "system",
        "token",
        "good/s",
        "of puntual",
        "p50, ms",
        "p99, ms",
        "p99.9, ms",
        "processor, µs",
        "MiB",
        "start, ms",
        "disk, MiB",
    ]);
    for system in systems {
        let median = |spread: &Spread| spread.median.to_string();
        table.add_row([
            system.name.clone(),
            if system.tokens { "yes" } else { "no" }.to_owned(),
            median(&system.good_per_second),
            median(&system.share_of_puntual),
            system.p50_ms.to_string(),
            system.p99_ms.to_string(),
            system.p999_ms.to_string(),
            median(&system.processor_us),
            median(&system.resident_mib),
            median(&system.start_ms),
            system.disk_mib.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
