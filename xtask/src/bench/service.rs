//! `cargo xtask bench service`: the whole service against the least that axum can be asked to do, and what it takes to
//! start and to keep it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::bare::Bare;
use super::spread::Spread;
use super::{Bench, wrk};
use crate::artifact;
use crate::golden::{self, Golden};
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::workspace::Workspace;

const RESULT: &str = "services/inference/benches/results/service.json";

/// Pairs of runs, one of each side in turns, so that what else the machine does falls on both.
const ROUNDS: usize = 9;
const SECONDS: u32 = 3;

const STARTS: usize = 15;

/// Requests after which memory is read.
const MANY: u64 = 1_000_000;

/// What it must reach. The README and the ADRs take the figures from the result, never from here.
const TARGETS: Targets =
    Targets { share_of_bare: 0.60, start_ms: 150.0, resident_kib: 30 * 1024, image_bytes: 20_000_000 };

pub(super) const BENCH: Bench = Bench {
    name: "service",
    summary: "authenticated requests a second as a share of a bare axum handler's; start, memory, size",
    needs: &["wrk"],
    run,
};

#[derive(Debug, Serialize)]
struct Targets {
    share_of_bare: f64,
    start_ms: f64,
    resident_kib: u64,
    image_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    targets: Targets,
    client: String,
    /// Requests a second of the service ÷ those of the bare handler, of two runs that followed each other.
    share_of_bare: Spread,
    /// The same with a row outside the domain: the model runs with every request, instead of once when it is loaded.
    share_of_bare_outside_domain: Spread,
    service_rps: Spread,
    service_outside_domain_rps: Spread,
    bare_rps: Spread,
    service_p50_us: u64,
    service_p99_us: u64,
    /// From the start of the process until it says that it is ready.
    start_ms: Spread,
    requests: u64,
    resident_kib: u64,
    /// The binary, which is all that the image holds.
    image_bytes: u64,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let row = golden.first().context("no golden row")?;
    let results = measure(workspace, &binary, row)?;
    show(&results);
    let path = workspace.path(RESULT);
    fs::create_dir_all(path.parent().context("the result's folder")?)?;
    fs::write(&path, serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT}");
    Ok(Outcome::Passed)
}

fn measure(workspace: &Workspace, binary: &Path, row: &Golden) -> anyhow::Result<Results> {
    let shell = workspace.shell()?;
    let start_ms = (0..STARTS).map(|_| start(binary)).collect::<anyhow::Result<_>>()?;
    let bare = Bare::start(workspace)?;
    let service = Service::start(binary, &[])?;
    let (address, token) = (service.ready().api, service.ready().token.clone());
    let ask = |address, body: &str| wrk::run(&shell, address, &token, body, SECONDS);
    let outside = outside_domain(&row.body);
    // Once without counting: pages, caches, connections of the kernel.
    ask(bare.address, &row.body)?;
    let mut requests = ask(address, &row.body)?.requests;

    let (mut shares, mut ours, mut theirs, mut last) = (vec![], vec![], vec![], None);
    let (mut shares_outside, mut ours_outside) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let of_outside = ask(address, &outside)?;
        let of_bare = ask(bare.address, &row.body)?;
        let of_service = ask(address, &row.body)?;
        requests += of_service.requests + of_outside.requests;
        shares.push(of_service.rate() / of_bare.rate());
        shares_outside.push(of_outside.rate() / of_bare.rate());
        ours.push(of_service.rate());
        ours_outside.push(of_outside.rate());
        theirs.push(of_bare.rate());
        last = Some(of_service);
    }
    while requests < MANY {
        requests += ask(address, &row.body)?.requests;
    }
    let resident_kib = service.resident_kib()?;
    service.stop()?;
    let last = last.context("no round")?;
    Ok(Results {
        command: "cargo xtask bench service",
        machine: Machine::read(workspace)?,
        targets: TARGETS,
        client: format!("wrk, 1 thread, {} keep-alive connections, on the same machine", wrk::CONNECTIONS),
        share_of_bare: Spread::of(shares)?,
        share_of_bare_outside_domain: Spread::of(shares_outside)?,
        service_rps: Spread::of(ours)?,
        service_outside_domain_rps: Spread::of(ours_outside)?,
        bare_rps: Spread::of(theirs)?,
        service_p50_us: last.p50_us,
        service_p99_us: last.p99_us,
        start_ms: Spread::of(start_ms)?,
        requests,
        resident_kib,
        image_bytes: fs::metadata(binary)?.len(),
    })
}

/// The row of `body` with a half of a one in it: no flight, but a row that the model answers.
fn outside_domain(body: &str) -> String {
    body.replacen('1', "0.5", 1)
}

/// One start, in milliseconds.
fn start(binary: &Path) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let _service = Service::start(binary, &[])?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

fn show(results: &Results) {
    let Results { targets, .. } = results;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["what", "least", "median", "most", "target"]);
    let spread = |table: &mut Table, what: &str, Spread { least, median, most }: &Spread, target: String| {
        table.add_row([what.to_owned(), least.to_string(), median.to_string(), most.to_string(), target]);
    };
    spread(&mut table, "share of bare", &results.share_of_bare, format!("≥ {}", targets.share_of_bare));
    spread(&mut table, "the same outside the domain", &results.share_of_bare_outside_domain, String::new());
    spread(&mut table, "service, requests/s", &results.service_rps, String::new());
    spread(&mut table, "bare, requests/s", &results.bare_rps, String::new());
    spread(&mut table, "start to ready, ms", &results.start_ms, format!("≤ {}", targets.start_ms));
    let one = |table: &mut Table, what: String, value: u64, target: u64| {
        table.add_row([what, String::new(), value.to_string(), String::new(), format!("≤ {target}")]);
    };
    one(
        &mut table,
        format!("resident after {} requests, KiB", results.requests),
        results.resident_kib,
        targets.resident_kib,
    );
    one(&mut table, "image, bytes".to_owned(), results.image_bytes, targets.image_bytes);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
