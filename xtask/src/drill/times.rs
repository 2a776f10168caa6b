//! How long it took to see each fault and to mend it: kept in a committed file, from which the page's table is made.

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use crate::machine::Machine;
use crate::workspace::Workspace;

/// Where the times are kept.
const RESULTS: &str = "runbooks/data/drills.json";

/// What one drill took.
#[derive(Debug, Serialize)]
pub(super) struct Times {
    drill: String,
    alert: String,
    /// From the fault to the alert.
    detected_seconds: f64,
    /// From the fault to all objectives being good.
    mitigated_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Results {
    command: String,
    machine: Machine,
    drills: Vec<Times>,
}

impl Times {
    pub(super) fn new(drill: &str, alert: &str, detected: Duration, mitigated: Duration) -> Self {
        let tenths = |time: Duration| (time.as_secs_f64() * 10.0).round() / 10.0;
        Self {
            drill: drill.to_owned(),
            alert: alert.to_owned(),
            detected_seconds: tenths(detected),
            mitigated_seconds: tenths(mitigated),
        }
    }
}

/// Keeps these in place of those before.
pub(super) fn record(workspace: &Workspace, command: String, drills: Vec<Times>) -> anyhow::Result<()> {
    let results = Results { command, machine: Machine::read(workspace)?, drills };
    let text = serde_json::to_string_pretty(&results)? + "\n";
    std::fs::write(workspace.path(RESULTS), text).context(RESULTS)?;
    println!("written to {RESULTS}; `cargo xtask generate` puts it on the page");
    Ok(())
}
