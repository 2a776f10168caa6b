//! What a service does that is asked for more than it can do, for long, or by clients that are no good, as a table. Must
//! never leave out a phase of a run.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde::Deserialize;

use super::{LoadMachine, made, read};
use crate::latencies;
use crate::workspace::Workspace;

/// In the order in which the page speaks of them.
const SCENARIOS: [&str; 6] =
    ["overload", "noisy-neighbour", "many-identities", "slow-clients", "rolling-restart", "soak"];

/// Slower than 99 of 100 others.
const SLOW: f64 = 0.99;

/// The part of a load test's result that is shown; its whole form is `loadtest/schema/result.json`.
#[derive(Debug, Deserialize)]
struct Run {
    started: String,
    machine: LoadMachine,
    phases: Vec<PhaseResult>,
    verdict: Verdict,
}

#[derive(Debug, Deserialize)]
struct PhaseResult {
    phase: Phase,
    measurement: Measurement,
    neighbour: Option<Measurement>,
}

#[derive(Debug, Deserialize)]
struct Phase {
    name: String,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Measurement {
    offered: u32,
    #[serde(deserialize_with = "latencies::read")]
    latency: Histogram<u64>,
    #[serde(deserialize_with = "latencies::read")]
    refusals: Histogram<u64>,
    service: Option<Cost>,
}

#[derive(Debug, Deserialize)]
struct Cost {
    resident_bytes: f64,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    outcome: String,
}

pub(super) fn table(workspace: &Workspace) -> anyhow::Result<String> {
    let mut text = "| scenario | phase | asked, a second | refused, a second | p99 of answers, ms | p99 of refusals, ms | \
                    resident, MiB | verdict |\n|---|---|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    let mut runs = String::new();
    for scenario in SCENARIOS {
        let file = format!("loadtest/results/{scenario}.json");
        let run: Run = read(workspace, &file)?;
        run.rows(&mut text, scenario).with_context(|| file.clone())?;
        let command = format!("loadtest run loadtest/scenarios/{scenario}.yaml --out {file}");
        writeln!(runs, "- {}", made(&command, &run.started, &run.machine, "cores of")?)?;
    }
    Ok(format!("{text}\n{runs}"))
}

impl Run {
    fn rows(&self, text: &mut String, scenario: &str) -> anyhow::Result<()> {
        for PhaseResult { phase: Phase { name, seconds }, measurement, neighbour } in &self.phases {
            let verdict = &self.verdict.outcome;
            writeln!(text, "| {scenario} | {name} | {} | {verdict} |", measurement.cells(*seconds)?)?;
            if let Some(neighbour) = neighbour {
                writeln!(
                    text,
                    "| {scenario} | {name}, the neighbour | {} | {verdict} |",
                    neighbour.cells(*seconds)?
                )?;
            }
        }
        Ok(())
    }
}

impl Measurement {
    fn cells(&self, seconds: f64) -> anyhow::Result<String> {
        // A refusal is an answer, too, and faster than the others.
        let mut answers = self.latency.clone();
        answers.subtract(&self.refusals)?;
        let slow = |of: &Histogram<u64>| match of.is_empty() {
            true => "–".to_owned(),
            false => format!("{:.1}", Duration::from_nanos(of.value_at_quantile(SLOW)).as_secs_f64() * 1e3),
        };
        let resident = self
            .service
            .as_ref()
            .map_or_else(|| "–".to_owned(), |cost| format!("{:.1}", cost.resident_bytes / 1_048_576.0));
        Ok(format!(
            "{:.0} | {:.0} | {} | {} | {resident}",
            f64::from(self.offered) / seconds,
            f64::from(u32::try_from(self.refusals.len())?) / seconds,
            slow(&answers),
            slow(&self.refusals),
        ))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::serialization::{Serializer as _, V2Serializer};
    use serde_json::{Value, json};

    use super::*;

    /// So many of a second.
    fn latency(of: &[(u64, u64)]) -> Value {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        for (milliseconds, times) in of {
            histogram.record_n(milliseconds * 1_000_000, *times).unwrap();
        }
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&histogram, &mut bytes).unwrap();
        json!({"hdr_v2_base64": STANDARD.encode(bytes), "unanswered": 0})
    }

    #[test]
    fn refusals_do_not_make_answers_look_faster_and_a_neighbour_has_a_row_of_its_own() {
        let measurement = json!({
            "offered": 2_000, "service": {"resident_bytes": 1_572_864},
            "latency": latency(&[(1, 900), (40, 100)]), "refusals": latency(&[(1, 900)]),
        });
        let calm = json!({
            "offered": 20, "service": null, "latency": latency(&[(2, 20)]), "refusals": latency(&[]),
        });
        let run = json!({
            "started": "2026-01-02T00:00:00Z",
            "machine": {"commit": "abc", "cpu": "a processor", "cores": 2},
            "verdict": {"outcome": "pass"},
            "phases": [{"phase": {"name": "beside", "seconds": 2.0}, "measurement": calm, "neighbour": measurement}],
        });
        let run: Run = serde_json::from_value(run).unwrap();
        let mut text = String::new();
        run.rows(&mut text, "try").unwrap();
        assert_eq!(
            text,
            "| try | beside | 10 | 0 | 2.0 | – | – | pass |\n\
             | try | beside, the neighbour | 1000 | 450 | 40.0 | 1.0 | 1.5 | pass |\n"
        );
    }
}
