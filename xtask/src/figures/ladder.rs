//! What each way of proving who sends adds to an answer, as a table. Must never leave out an interval that holds nothing.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde::Deserialize;

use super::{Found, read};
use crate::workspace::Workspace;

/// What was found, and the percentiles that each run has enough answers for.
const LADDERS: [(&str, &[f64]); 2] = [
    ("loadtest/results/auth-ladder.json", &[0.5, 0.99, 0.999]),
    ("loadtest/results/handshake-ladder.json", &[0.5, 0.99]),
];

/// The part of what was found that is shown; its whole form is `loadtest/schema/ladder.json`.
#[derive(Debug, Deserialize)]
struct Ladder {
    #[serde(flatten)]
    found: Found,
    phase: Phase,
    turns: u8,
    rungs: Vec<Rung>,
}

#[derive(Debug, Deserialize)]
struct Phase {
    rate: u32,
}

#[derive(Debug, Deserialize)]
struct Rung {
    credentials: String,
    latency: Vec<Latency>,
    processor_us: Added,
}

#[derive(Debug, Deserialize)]
struct Latency {
    quantile: f64,
    ms: Added,
}

#[derive(Debug, Deserialize)]
struct Added {
    mean: f64,
    added: f64,
    interval: Interval,
}

#[derive(Debug, Deserialize)]
struct Interval {
    low: f64,
    high: f64,
}

pub(super) fn tables(workspace: &Workspace) -> anyhow::Result<String> {
    let tables = LADDERS.map(|(file, shown)| read::<Ladder>(workspace, file)?.table(shown).context(file));
    Ok(tables.into_iter().collect::<Result<Vec<_>, _>>()?.join("\n"))
}

impl Ladder {
    fn table(&self, shown: &[f64]) -> anyhow::Result<String> {
        let heads: String = shown.iter().map(|quantile| format!(" p{}, ms |", quantile * 100.0)).collect();
        let rule = "---:|".repeat(shown.len());
        let mut text = format!("| credentials |{heads} processor, µs |\n|---|{rule}---:|\n");
        for (at, Rung { credentials, latency, processor_us }) in self.rungs.iter().enumerate() {
            write!(text, "| {credentials} |")?;
            for quantile in shown {
                let found = latency.iter().find(|found| (found.quantile - quantile).abs() < f64::EPSILON);
                let ms = &found.with_context(|| format!("{credentials} has no quantile {quantile}"))?.ms;
                write!(text, " {} |", ms.cell(at == 0, 3))?;
            }
            writeln!(text, " {} |", processor_us.cell(at == 0, 1))?;
        }
        let Self { found, phase: Phase { rate }, turns, .. } = self;
        writeln!(
            text,
            "\n{}; {rate} requests a second on one core, {turns} turns. In brackets, what is added to the first row's, with its \
             95 % interval.",
            found.line()?
        )?;
        Ok(text)
    }
}

impl Added {
    /// The first row is what the others are compared with.
    fn cell(&self, is_first: bool, digits: usize) -> String {
        let Self { mean, added, interval: Interval { low, high } } = self;
        if is_first {
            return format!("{mean:.digits$}");
        }
        format!("{mean:.digits$} ({added:+.digits$}: {low:+.digits$} to {high:+.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ladder(quantiles: &[f64]) -> Value {
        let added = json!({"mean": 1.25, "added": -0.5, "interval": {"low": -0.75, "high": 0.25}});
        let latency: Vec<_> =
            quantiles.iter().map(|quantile| json!({"quantile": quantile, "ms": added})).collect();
        let rung =
            |credentials| json!({"credentials": credentials, "latency": latency, "processor_us": added});
        json!({
            "command": "loadtest ladder", "started": "2026-01-02T00:00:00Z",
            "machine": {"commit": "abc", "cpu": "a processor", "cores": 2},
            "phase": {"rate": 2000}, "turns": 6, "rungs": [rung("none"), rung("mtls")],
        })
    }

    #[test]
    fn each_row_but_the_first_has_what_it_adds_and_how_sure_that_is() {
        let ladder: Ladder = serde_json::from_value(ladder(&[0.5, 0.9, 0.99, 0.999])).unwrap();
        let table = ladder.table(&[0.5, 0.99, 0.999]).unwrap();
        assert!(
            table.starts_with("| credentials | p50, ms | p99, ms | p99.9, ms | processor, µs |\n"),
            "{table}"
        );
        assert!(table.contains("| none | 1.250 | 1.250 | 1.250 | 1.2 |\n"), "{table}");
        assert!(
            table.contains("| 1.250 (-0.500: -0.750 to +0.250) | 1.2 (-0.5: -0.8 to +0.2) |\n"),
            "{table}"
        );
        assert!(
            table.contains("`loadtest ladder`, 2026-01-02, commit abc, 2 cores of a processor; 2000 "),
            "{table}"
        );
    }

    #[test]
    fn a_percentile_that_has_too_few_answers_is_no_cell() {
        let ladder: Ladder = serde_json::from_value(ladder(&[0.5, 0.99])).unwrap();
        assert!(ladder.table(&[0.5, 0.999]).unwrap_err().to_string().ends_with("none has no quantile 0.999"));
    }
}
