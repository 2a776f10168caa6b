//! What a request costs as its surroundings grow, as a table for each axis.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{Origin, result};
use crate::bench::Point;
use crate::workspace::Workspace;

#[derive(Debug, Deserialize)]
struct Scaling {
    #[serde(flatten)]
    origin: Origin,
    rounds: u32,
    cores: Vec<Point>,
    connections: Vec<Point>,
    rows: Vec<Point>,
    identities: Vec<Point>,
}

pub(super) fn tables(workspace: &Workspace) -> anyhow::Result<String> {
    let Scaling { origin, rounds, cores, connections, rows, identities } = result(workspace, "scaling")?;
    let mut text = String::new();
    for (what, cost_of, points) in [
        ("cores, 64 requests under way", "a request", cores),
        ("open connections", "a request", connections),
        ("rows in a batch", "a row", rows),
        ("identities, each with a token", "a request", identities),
    ] {
        writeln!(
            text,
            "| {what} | processor, µs {cost_of} | answer p50, µs | p99, µs | resident, MiB |\n|---:|---:|---:|---:|---:|"
        )?;
        for Point { size, processor_us, p50_us, p99_us, resident_mib } in points {
            writeln!(
                text,
                "| {size} | {:.1} | {:.0} | {:.0} | {:.0} |",
                processor_us.median, p50_us.median, p99_us.median, resident_mib.median
            )?;
        }
        text.push('\n');
    }
    writeln!(text, "{} Medians of {rounds} rounds.", origin.line().trim_end())?;
    Ok(text)
}
