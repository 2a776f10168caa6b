//! Every attack on who is calling and how much they may ask, tried on the running service: what was sent, what came
//! back, which counter moved. Writes `runbooks/data/attacks.json`, from which the runbook quotes, and the same as a
//! table for people.
//!
//! A row is what was seen, never what was expected: an attack that gets through is in the table as such, and fails.

mod certificates;
mod limits;
mod tokens;
mod watch;

use std::fmt::Write as _;

use serde::Serialize;

use self::watch::Row;
use crate::development::Development;
use crate::workspace::Workspace;

/// What this makes, from the root: for programs, and for people.
pub(crate) const JSON: &str = "runbooks/data/attacks.json";
pub(crate) const TABLE: &str = "runbooks/data/attacks.md";

/// The content of the one and of the other.
pub(crate) struct Made {
    pub(crate) json: String,
    pub(crate) table: String,
}

#[derive(Serialize)]
struct Results {
    command: &'static str,
    attacks: Vec<Row>,
}

/// Tries all of them.
pub(crate) fn make(workspace: &Workspace) -> anyhow::Result<Made> {
    let development = Development::build(workspace)?;
    let attacks = [
        tokens::try_all(&development)?,
        certificates::try_all(&development)?,
        limits::try_all(&development)?,
    ]
    .concat();
    let table = table(&attacks);
    let results = Results { command: "cargo xtask generate", attacks };
    Ok(Made { json: serde_json::to_string_pretty(&results)? + "\n", table })
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "<!-- Made by `cargo xtask generate`, which tries each of these on the running service. -->\n\n\
         # What attacks on identity and admission get\n\n\
         | attack | what was sent | what came back | which counter moved |\n|---|---|---|---|\n",
    );
    for Row { attack, sent, answer, counters } in rows {
        let counters: Vec<_> = counters.iter().map(|counter| format!("`{counter}`")).collect();
        // Writing to a text cannot fail.
        let _written = writeln!(table, "| {attack} | {sent} | {answer} | {} |", counters.join("<br>"));
    }
    table
}
