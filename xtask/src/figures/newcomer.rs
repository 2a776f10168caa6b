//! How long a newcomer waits for the README's commands, as a table.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::{Origin, read};
use crate::report::Took;
use crate::workspace::Workspace;

#[derive(Debug, Deserialize)]
struct Newcomer {
    #[serde(flatten)]
    origin: Origin,
    commands: Vec<Timed>,
}

#[derive(Debug, Deserialize)]
struct Timed {
    command: String,
    seconds: f64,
}

pub(super) fn table(workspace: &Workspace) -> anyhow::Result<String> {
    let Newcomer { origin, commands } = read(workspace, "docs/data/newcomer.json")?;
    let mut text = "| in a fresh clone | takes |\n|---|---:|\n".to_owned();
    for Timed { command, seconds } in &commands {
        writeln!(text, "| `{command}` | {} |", Took(Duration::from_secs_f64(*seconds)))?;
    }
    writeln!(text, "\n{}", origin.line().trim_end())?;
    Ok(text)
}
