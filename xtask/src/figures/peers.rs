//! puntual beside the servers that people use today, as a table.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{Origin, read};
use crate::bench::Spread;
use crate::bench::peers::System;
use crate::workspace::Workspace;

#[derive(Debug, Deserialize)]
struct Peers {
    #[serde(flatten)]
    origin: Origin,
    rounds: u32,
    systems: Vec<System>,
}

pub(super) fn table(workspace: &Workspace) -> anyhow::Result<String> {
    let Peers { origin, rounds, systems } = read(workspace, "loadtest/results/peers.json")?;
    let mut text = "| server | checks tokens | good requests/s | of puntual's: least · median · most | p50 · p99 · p99.9 at 400/s, ms \
                    | processor, µs a request | memory, MiB | start, ms | disk, MiB |\n\
                    |---|---|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for system in systems {
        let System { name, tokens, good_per_second, share_of_puntual, .. } = &system;
        let Spread { least, median, most } = share_of_puntual;
        writeln!(
            text,
            "| {name} | {} | {:.0} | {least:.3} · {median:.3} · {most:.3} | {:.2} · {:.2} · {:.2} | {:.0} | {:.0} | {:.0} | {:.0} |",
            if *tokens { "yes" } else { "no" },
            good_per_second.median,
            system.p50_ms,
            system.p99_ms,
            system.p999_ms,
            system.processor_us.median,
            system.resident_mib.median,
            system.start_ms.median,
            system.disk_mib
        )?;
    }
    writeln!(text, "\n{} Medians of {rounds} rounds.", origin.line().trim_end())?;
    Ok(text)
}
