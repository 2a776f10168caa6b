//! The tables of measured figures in the runbooks, and the chart's sizes, from the committed results of the benchmarks.
//!
//! Must never measure, and never round so that a figure looks better than its result.

mod capacity;
mod challenge;
mod growth;
mod ladder;
mod newcomer;
mod peers;
mod profile;
mod scaling;
mod sizes;
mod stress;

use std::fmt::Write as _;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::capacity::Capacity;
use self::sizes::Sizes;
pub(crate) use self::sizes::VALUES;
use crate::bench::Spread;
use crate::marks;
use crate::workspace::Workspace;

/// The pages, and what makes the figures of each.
pub(crate) const PAGES: [(&str, Tables); 8] = [
    // Before the page that reads them.
    (VALUES, sizes::values),
    ("runbooks/drills.md", drills),
    ("runbooks/performance.md", performance),
    ("runbooks/security.md", security),
    ("loadtest/peers/README.md", peers::table),
    ("CONTRIBUTING.md", newcomer::table),
    ("docs/challenge.md", challenge::in_english),
    ("docs/challenge.es.md", challenge::in_spanish),
];

/// Makes what stands between the marks of a page.
type Tables = fn(&Workspace) -> anyhow::Result<String>;

/// What every result says of itself.
#[derive(Debug, Deserialize)]
struct Origin {
    command: String,
    machine: Machine,
}

#[derive(Debug, Deserialize)]
struct Machine {
    date: String,
    commit: String,
    cpu: String,
    cores: u32,
}

/// What a command of the load test says of what it found.
#[derive(Debug, Deserialize)]
struct Found {
    command: String,
    started: String,
    machine: LoadMachine,
}

/// What results of the load test say of where they were made.
#[derive(Debug, Deserialize)]
struct LoadMachine {
    commit: String,
    cpu: String,
    cores: u32,
}

#[derive(Debug, Deserialize)]
struct Auth {
    #[serde(flatten)]
    origin: Origin,
    costs: Vec<Cost>,
}

#[derive(Debug, Deserialize)]
struct Cost {
    name: String,
    against: String,
    instructions: u64,
    instructions_share: f64,
    processor_us: Spread,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(flatten)]
    origin: Origin,
    client: String,
    share_of_bare: Spread,
    share_of_bare_outside_domain: Spread,
    service_rps: Spread,
    bare_rps: Spread,
    start_ms: Spread,
    resident_kib: f64,
    image_bytes: f64,
}

#[derive(Debug, Deserialize)]
struct Batching {
    #[serde(flatten)]
    origin: Origin,
    measured: Measured,
}

#[derive(Debug, Deserialize)]
struct Measured {
    batches: Vec<Batch>,
}

#[derive(Debug, Deserialize)]
struct Batch {
    batch: u32,
    ns_for_a_row: f64,
}

#[derive(Debug, Deserialize)]
struct Drills {
    #[serde(flatten)]
    origin: Origin,
    drills: Vec<Drill>,
}

#[derive(Debug, Deserialize)]
struct Drill {
    drill: String,
    alert: String,
    detected_seconds: f64,
    mitigated_seconds: f64,
}

/// The page with the figures of today's results.
pub(crate) fn page(workspace: &Workspace, name: &str, tables: Tables) -> anyhow::Result<String> {
    let page = std::fs::read_to_string(workspace.path(name)).with_context(|| name.to_owned())?;
    marks::fill(name, &page, &tables(workspace)?)
}

fn result<T: DeserializeOwned>(workspace: &Workspace, name: &str) -> anyhow::Result<T> {
    read(workspace, &format!("services/inference/benches/results/{name}.json"))
}

fn read<T: DeserializeOwned>(workspace: &Workspace, file: &str) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(workspace.path(file)).with_context(|| file.to_owned())?;
    serde_json::from_str(&text).with_context(|| file.to_owned())
}

impl Origin {
    fn line(&self) -> String {
        let Self { command, machine: Machine { date, commit, cpu, cores } } = self;
        format!("`{command}`, {date}, commit {commit}, {cores} cores of {cpu}.\n")
    }
}

impl Found {
    fn line(&self) -> anyhow::Result<String> {
        made(&self.command, &self.started, &self.machine, "cores of")
    }
}

/// What made a result of the load test, and when and where; without an end, as some have more to say.
fn made(
    command: &str,
    started: &str,
    LoadMachine { commit, cpu, cores }: &LoadMachine,
    cores_of: &str,
) -> anyhow::Result<String> {
    let day = started.split('T').next().with_context(|| format!("{started:?} has no day"))?;
    Ok(format!("`{command}`, {day}, commit {commit}, {cores} {cores_of} {cpu}"))
}

/// A proof of identity against the same request without it.
fn security(workspace: &Workspace) -> anyhow::Result<String> {
    let auth: Auth = result(workspace, "auth")?;
    let mut text =
        "| proof | against | instructions | ratio | processor, µs: least · median · most |\n|---|---|---:|---:|---:|\n"
            .to_owned();
    for Cost { name, against, instructions, instructions_share, processor_us } in &auth.costs {
        let Spread { least, median, most } = processor_us;
        writeln!(
            text,
            "| {name} | {against} | {instructions} | {instructions_share:.3} | {least:.0} · {median:.0} · {most:.0} |"
        )?;
    }
    writeln!(text, "\n{}", auth.origin.line())?;
    text += &ladder::tables(workspace)?;
    Ok(text)
}

/// How long each fault took to be seen and to be mended.
fn drills(workspace: &Workspace) -> anyhow::Result<String> {
    let Drills { origin, drills } = read(workspace, "runbooks/data/drills.json")?;
    let mut text = "| drill | alert | seen after | all good after |\n|---|---|---:|---:|\n".to_owned();
    for Drill { drill, alert, detected_seconds, mitigated_seconds } in &drills {
        writeln!(text, "| {drill} | {alert} | {detected_seconds:.1} s | {mitigated_seconds:.1} s |")?;
    }
    writeln!(text, "\n{}", origin.line().trim_end())?;
    Ok(text)
}

fn performance(workspace: &Workspace) -> anyhow::Result<String> {
    let service: Service = result(workspace, "service")?;
    let batching: Batching = result(workspace, "batching")?;
    let spread = |Spread { least, median, most }: &Spread, digits: usize| {
        format!("{median:.digits$} | {least:.digits$} – {most:.digits$}")
    };
    let mut text = "| what | median | least – most |\n|---|---:|---:|\n".to_owned();
    for (what, value) in [
        ("requests a second, a token each, all answers 200", spread(&service.service_rps, 0)),
        ("the same of a bare axum handler without authentication", spread(&service.bare_rps, 0)),
        ("ratio of the two", spread(&service.share_of_bare, 2)),
        (
            "ratio for rows outside the domain, which the model itself answers",
            spread(&service.share_of_bare_outside_domain, 2),
        ),
        ("start to ready, ms", spread(&service.start_ms, 0)),
    ] {
        writeln!(text, "| {what} | {value} |")?;
    }
    writeln!(
        text,
        "| resident memory after the run, MiB | {:.0} | |\n| image, MB | {:.1} | |\n\n{} {}.",
        service.resident_kib / 1024.0,
        service.image_bytes / 1e6,
        service.origin.line().trim_end(),
        service.client
    )?;
    text.push_str("\n| rows in a batch | model, ns a row |\n|---:|---:|\n");
    for Batch { batch, ns_for_a_row } in &batching.measured.batches {
        writeln!(text, "| {batch} | {ns_for_a_row:.0} |")?;
    }
    writeln!(text, "\n{}", batching.origin.line().trim_end())?;
    writeln!(text, "\n{}", profile::table(workspace)?.trim_end())?;
    writeln!(text, "\n{}", scaling::tables(workspace)?.trim_end())?;
    writeln!(text, "\n{}", stress::table(workspace)?.trim_end())?;
    let capacity = Capacity::committed(workspace)?;
    let sizes = Sizes::committed(workspace, &capacity)?;
    writeln!(
        text,
        "\n{}\n{}\n{}",
        capacity.table()?,
        sizes.table()?,
        growth::table(workspace, &sizes)?.trim_end()
    )?;
    Ok(text)
}
