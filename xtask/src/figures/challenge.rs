//! The answer to the challenge's stress test, from the committed run, in the languages of its page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::{LoadMachine, made, read};
use crate::workspace::Workspace;

const RESULT: &str = "loadtest/results/brief-50k.json";
const MOST: &str = "loadtest/results/brief-most.json";

/// The part of a load test's result that the page shows; its whole form is `loadtest/schema/result.json`.
#[derive(Debug, Deserialize)]
struct Run {
    started: String,
    machine: LoadMachine,
    phases: Vec<Phase>,
    verdict: Verdict,
}

#[derive(Debug, Deserialize)]
struct Phase {
    measurement: Measurement,
}

#[derive(Debug, Deserialize)]
struct Measurement {
    offered: u64,
    statuses: BTreeMap<u16, u64>,
    objectives: BTreeMap<String, Events>,
    checks: Checks,
}

#[derive(Debug, Deserialize)]
struct Events {
    total: u64,
    bad: u64,
}

#[derive(Debug, Deserialize)]
struct Checks {
    right: u64,
    wrong: u64,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    outcome: String,
}

/// The part of a capacity that the page shows; its whole form is `loadtest/schema/capacity.json`.
#[derive(Debug, Deserialize)]
struct Most {
    command: String,
    phase: Length,
    configurations: [Configuration; 1],
}

#[derive(Debug, Deserialize)]
struct Length {
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    rounds: [Round; 1],
}

#[derive(Debug, Deserialize)]
struct Round {
    held: Held,
}

#[derive(Debug, Deserialize)]
struct Held {
    rate: u32,
}

/// What the rows are called.
struct Words {
    head: &'static str,
    offered: &'static str,
    status: &'static str,
    compared: &'static str,
    wrong: &'static str,
    bad: &'static str,
    verdict: &'static str,
    most: &'static str,
    of: &'static str,
    cores: &'static str,
}

const ENGLISH: Words = Words {
    head: "in 45 s",
    offered: "requests that were due",
    status: "answers with status",
    compared: "bodies that were compared with golden answers",
    wrong: "of those, wrong",
    bad: "bad for",
    verdict: "verdict",
    most: "the most that was asked in as long and passed",
    of: "of",
    cores: "cores of",
};

const SPANISH: Words = Words {
    head: "en 45 s",
    offered: "peticiones programadas",
    status: "respuestas con estado",
    compared: "cuerpos comparados con las respuestas correctas",
    wrong: "de ellos, errados",
    bad: "malas para",
    verdict: "veredicto",
    most: "lo más que se pidió en el mismo tiempo y pasó",
    of: "de",
    cores: "núcleos de",
};

pub(super) fn in_english(workspace: &Workspace) -> anyhow::Result<String> {
    table(&read(workspace, RESULT)?, &read(workspace, MOST)?, &ENGLISH)
}

pub(super) fn in_spanish(workspace: &Workspace) -> anyhow::Result<String> {
    table(&read(workspace, RESULT)?, &read(workspace, MOST)?, &SPANISH)
}

fn table(run: &Run, most: &Most, words: &Words) -> anyhow::Result<String> {
    let [Phase { measurement }] = run.phases.as_slice() else {
        anyhow::bail!("{RESULT} has {} phases; expected one", run.phases.len());
    };
    let Measurement { offered, statuses, objectives, checks } = measurement;
    let mut text = format!("| {} | |\n|---|---:|\n| {} | {offered} |\n", words.head, words.offered);
    for (status, answers) in statuses {
        writeln!(text, "| {} {status} | {answers} |", words.status)?;
    }
    writeln!(text, "| {} | {} |", words.compared, checks.right + checks.wrong)?;
    writeln!(text, "| {} | {} |", words.wrong, checks.wrong)?;
    for (slo, Events { total, bad }) in objectives {
        writeln!(text, "| {} [{slo}](../slo/objectives/{slo}.md) | {bad} {} {total} |", words.bad, words.of)?;
    }
    writeln!(text, "| {} | {} |", words.verdict, run.verdict.outcome)?;
    let Most {
        command,
        phase: Length { seconds },
        configurations: [Configuration { rounds: [Round { held }] }],
    } = most;
    writeln!(text, "| {} | {:.0} |", words.most, f64::from(held.rate) * seconds)?;
    let made =
        made("loadtest run loadtest/scenarios/brief-50k.yaml", &run.started, &run.machine, words.cores)?;
    writeln!(text, "\n{made}: [{RESULT}](../{RESULT}). `{command}`: [{MOST}](../{MOST}).")?;
    Ok(text.trim_end().to_owned() + "\n")
}
