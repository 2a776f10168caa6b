//! What the time of a request is spent in, as a table.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{Origin, result};
use crate::workspace::Workspace;

#[derive(Debug, Deserialize)]
struct Profile {
    #[serde(flatten)]
    origin: Origin,
    client: String,
    processor_seconds: f64,
    shares: Vec<Share>,
}

#[derive(Debug, Deserialize)]
struct Share {
    of: String,
    share: f64,
}

pub(super) fn table(workspace: &Workspace) -> anyhow::Result<String> {
    let Profile { origin, client, processor_seconds, shares } = result(workspace, "profile")?;
    let mut text = "| the innermost function is of | share of the time |\n|---|---:|\n".to_owned();
    for Share { of, share } in &shares {
        writeln!(text, "| {of} | {:.1} % |", share * 100.0)?;
    }
    writeln!(
        text,
        "\n{} {client}; samples of {processor_seconds:.1} s of the processor.",
        origin.line().trim_end()
    )?;
    Ok(text)
}
