//! Benchmarks: ratios measured in one run on one machine, with the `dist` build. One file for each.
//!
//! A benchmark prints what it measured and where it wrote it. It must never be a step of `cargo xtask test`: a timed
//! test fails on a busy machine and proves nothing.

mod auth;
mod bare;
mod batching;
mod callgrind;
mod instructions;
mod newcomer;
pub(crate) mod peers;
mod profile;
mod scaling;
mod service;
mod spread;
mod wrk;

use anyhow::Context as _;
use clap::Args;

use crate::outcome::Outcome;
use crate::tools;
use crate::workspace::Workspace;

/// What results of benchmarks hold, for whoever reads them.
pub(crate) use self::scaling::Point;
pub(crate) use self::spread::Spread;

/// A benchmark.
#[derive(Debug)]
pub(crate) struct Bench {
    /// What one types: `cargo xtask bench NAME`.
    pub(crate) name: &'static str,
    /// One line of `cargo xtask bench --list`: what it measures, against what.
    pub(crate) summary: &'static str,
    /// Names of rows in `tools::TOOLS` that must be there before it runs.
    pub(crate) needs: &'static [&'static str],
    /// The benchmark.
    pub(crate) run: fn(&Workspace) -> anyhow::Result<Outcome>,
}

/// All of them.
pub(crate) const ALL: &[Bench] = &[
    service::BENCH,
    instructions::BENCH,
    auth::BENCH,
    batching::BENCH,
    scaling::BENCH,
    peers::BENCH,
    profile::BENCH,
    newcomer::BENCH,
];

/// Which one to run.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// Its name; without it, all are listed
    name: Option<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &BenchOptions) -> anyhow::Result<()> {
    let Some(name) = &options.name else {
        for bench in ALL {
            println!("{:<20} {}", bench.name, bench.summary);
        }
        return Ok(());
    };
    let bench = ALL
        .iter()
        .find(|bench| bench.name == name)
        .with_context(|| format!("there is no benchmark `{name}`; `cargo xtask bench` lists them"))?;
    tools::ensure(workspace, bench.needs)?;
    (bench.run)(workspace)?.announce(workspace, name)
}
