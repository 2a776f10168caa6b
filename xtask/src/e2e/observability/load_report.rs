//! A load test that tells the collector what it saw, so that the way from OTLP to Prometheus is walked and the load test's
//! dashboard has something to show.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::cmd;

use crate::stack::{Prometheus, Stack};
use crate::workspace::Workspace;

/// Little enough for a service that is not optimised and is asked by others, too.
const SCENARIO: &str = "\
name: observability
shows: What a load test sees arrives.
credentials: bearer
timeout: 2s
threads: 2
phases:
  - { name: few, load: open, rate: 40, connections: 8, warm_up: 1s, duration: 10s }
expect: { statuses: [{ status: 200 }], objectives: [] }
";

/// What a run keeps, as far as it is told to the collector.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    run_id: String,
    scenario: String,
    machine: Machine,
    phases: [Phase; 1],
}

#[derive(Debug, Deserialize)]
struct Machine {
    commit: String,
}

#[derive(Debug, Deserialize)]
struct Phase {
    measurement: Measurement,
}

#[derive(Debug, Deserialize)]
struct Measurement {
    offered: u64,
    statuses: BTreeMap<String, u64>,
}

/// Runs it to its end.
pub(super) fn run(workspace: &Workspace, loadtest: &Path, stack: &Stack) -> anyhow::Result<Seen> {
    let (shell, serving) = (workspace.shell()?, &stack.serving);
    let folder = serving.folder();
    let (scenario, token) = (folder.join("observability.yaml"), folder.join("load-token"));
    std::fs::write(&scenario, SCENARIO)?;
    std::fs::write(&token, &serving.token)?;
    let target = format!("https://{}", serving.addresses.api);
    let (authority, collector) = (serving.authority()?, serving.otlp().context("no collector")?.to_string());
    let options = ["--target", &target, "--ca", &authority, "--out", "-"];
    let kept = cmd!(
        shell,
        "{loadtest} run {scenario} {options...} --token-file {token} --otlp-endpoint http://{collector}"
    )
    .quiet()
    .read()?;
    serde_json::from_str(&kept).with_context(|| format!("what the load test kept: {kept}"))
}

/// Whether all that the run saw has arrived.
pub(super) fn has_arrived(prometheus: &Prometheus, seen: &Seen) -> anyhow::Result<bool> {
    let Seen { run_id, scenario, machine: Machine { commit }, phases: [Phase { measurement }] } = seen;
    let answered = measurement.statuses.values().sum();
    let labels = format!("{{run_id=\"{run_id}\",scenario=\"{scenario}\",commit=\"{commit}\"}}");
    for (metric, sent) in [
        ("loadtest_offered_requests_total", measurement.offered),
        ("loadtest_delivered_requests_total", answered),
        ("loadtest_request_duration_seconds_count", answered),
        ("loadtest_wrong_answers_total", 0),
    ] {
        let sent = f64::from(u32::try_from(sent)?);
        let Some(value) = prometheus.value(&format!("{metric}{labels}"))? else { return Ok(false) };
        ensure!(value <= sent, "{metric} is {value}, and {sent} was sent");
        if value < sent {
            return Ok(false);
        }
    }
    Ok(true)
}
