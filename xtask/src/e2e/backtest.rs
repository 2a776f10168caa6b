//! `slo backtest` on incidents that are made here: a tenth of the predictions fails for a quarter of an hour, recorded by
//! Prometheus or counted by a load test. What fires is known by closed form, so that promtool, the generated rules and the
//! way to both are held against arithmetic.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::json;
use xshell::cmd;

use super::E2e;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e backtest`
pub(crate) const TEST: E2e = E2e {
    name: "backtest",
    summary: "slo backtest: 15 bad minutes, recorded or of a load test, page when their objective computes, and nothing else does",
    needs: &["promtool"],
    run,
};

/// Seconds between two samples, as the rules are evaluated.
const STEP: u64 = 15;
/// Steps before the incident: an hour, so that the windows of the first page are full.
const QUIET: u64 = 240;
/// Steps of the incident: 15 minutes.
const INCIDENT: u64 = 60;
/// Requests in a step, of which a tenth fails.
const REQUESTS: u64 = 150;

/// 0.0144 × 1 h ÷ 0.1 = 8 min 38 s into the incident: the 35th bad step, as 240 samples have 239 increases between them.
/// Then the minute that it has to hold.
const FIRES: &str = "1h9m45s";
/// 5 min × (1 − 0.0144 ÷ 0.1) = 4 min 17 s after the incident; of the 19 increases between 20 samples the third has left
/// the window at 4 min 15 s.
const CLEARS: &str = "1h19m15s";

/// With a sample each second, 44 of the 299 increases between 300 samples have to have a bad one in ten for more than
/// 0.0144: until 4 min 15 s after the incident, and no more at the next evaluation.
const COUNTED_CLEARS: &str = "1h19m30s";

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir()?;
    for (option, incident, clears) in
        [("--samples", recorded(), CLEARS), ("--load-test", counted(), COUNTED_CLEARS)]
    {
        let file = folder.path().join("incident.json");
        fs::write(&file, incident.to_string())?;
        pages_once(&backtest(workspace, option, &file)?, clears)
            .with_context(|| format!("slo backtest {option}"))?;
    }
    Ok(Outcome::Passed)
}

fn backtest(workspace: &Workspace, option: &str, file: &Path) -> anyhow::Result<String> {
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    Ok(cmd!(
        shell,
        "cargo run --quiet --locked --package slo -- backtest {option} {file} --promtool {promtool}"
    )
    .quiet()
    .read()?)
}

fn pages_once(printed: &str, clears: &str) -> anyhow::Result<()> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let fired: Vec<Vec<String>> =
        printed.lines().map(words).filter(|line| line.get(1).is_some_and(|word| word == "page")).collect();
    let page = fired.iter().find(|line| line.get(2).is_some_and(|long| long == "1h"));
    let page = page.with_context(|| format!("no page of the first hour:\n{printed}"))?;
    let expected = ["ApiAvailabilityBurn", "page", "1h", "and", "5m", FIRES, clears];
    ensure!(*page == expected, "expected {expected:?}, found {page:?}:\n{printed}");
    ensure!(fired.iter().all(|line| line.first() == page.first()), "something else pages:\n{printed}");
    ensure!(printed.contains("Not in this file"), "what nothing is known of is not said:\n{printed}");
    Ok(())
}

/// As `query_range` answers it.
fn recorded() -> serde_json::Value {
    let steps = 0..2 * QUIET;
    let failed = |step: u64| REQUESTS / 10 * step.saturating_sub(QUIET).min(INCIDENT);
    let series = |status: &str, source: &str, value: &dyn Fn(u64) -> u64| {
        let at = |step: u64| json!([1_800_000_000 + step * STEP, value(step).to_string()]);
        json!({
            "metric": {
                "__name__": "http_server_request_duration_seconds_count",
                "http_route": "/api",
                "http_request_method": "POST",
                "http_response_status_code": status,
                "error_source": source,
            },
            "values": steps.clone().map(at).collect::<Vec<_>>(),
        })
    };
    let good = series("200", "", &|step| REQUESTS * step - failed(step));
    let bad = series("500", "server", &failed);
    json!({ "status": "success", "data": { "resultType": "matrix", "result": [good, bad] } })
}

/// As `loadtest run` writes it: ten requests a second, of which one fails during the incident.
fn counted() -> serde_json::Value {
    let second = |second: u64| {
        let bad = u64::from((QUIET..QUIET + INCIDENT).contains(&(second / STEP)));
        json!({ "answers": 10, "objectives": { "api-availability": { "total": 10, "bad": bad } } })
    };
    let length = 2 * QUIET * STEP;
    let seconds: Vec<_> = (0..length).map(second).collect();
    let whole = json!({ "total": 10 * length, "bad": INCIDENT * STEP });
    json!({ "phases": [{ "measurement": { "objectives": { "api-availability": whole } }, "seconds": seconds }] })
}
