//! End-to-end tests: the real binary, real sockets, real clients. One file for each, one line in the registry.
//!
//! Every test binds loopback only, on ports that were free, and ends what it started. A test that cannot run on this
//! machine says `Outcome::Skipped` with the reason; it never passes instead.

mod backtest;
mod cloud;
pub(crate) mod comparison;
mod container;
mod curl;
mod drain;
mod drills;
mod full_house;
mod identity_provider;
mod kubernetes;
mod observability;
mod oidc_provider;
mod reload;
mod report;
mod rotation;
mod rules;
mod runbooks;
mod schemathesis;
mod shown;
mod slo_mutants;
mod soak;
mod tls;
mod traces;
mod traffic;
mod triton;

use anyhow::Context as _;
use clap::Args;

use crate::outcome::Outcome;
use crate::tools;
use crate::workspace::Workspace;

/// An end-to-end test.
#[derive(Debug)]
pub(crate) struct E2e {
    /// What one types: `cargo xtask e2e NAME`.
    pub(crate) name: &'static str,
    /// One line of `cargo xtask e2e --list`: a sentence about the product that the test proves.
    pub(crate) summary: &'static str,
    /// Names of rows in `tools::TOOLS` that must be there before it runs.
    pub(crate) needs: &'static [&'static str],
    /// The test. An error is a failure.
    pub(crate) run: fn(&Workspace) -> anyhow::Result<Outcome>,
}

/// All of them, in the order in which `cargo xtask test` runs them.
pub(crate) const ALL: &[E2e] = &[
    curl::TEST,
    triton::TEST,
    schemathesis::TEST,
    traces::TEST,
    reload::TEST,
    identity_provider::TEST,
    rotation::TEST,
    tls::TEST,
    drain::TEST,
    container::TEST,
    cloud::TEST,
    kubernetes::ALONE,
    kubernetes::TEST,
    observability::TEST,
    drills::TEST,
    runbooks::TEST,
    soak::TEST,
    full_house::TEST,
    backtest::TEST,
    rules::TEST,
    report::TEST,
    slo_mutants::TEST,
    comparison::TEST,
];

/// Which one to run.
#[derive(Debug, Args)]
pub(crate) struct E2eOptions {
    /// Its name; without it, all are listed
    name: Option<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &E2eOptions) -> anyhow::Result<()> {
    let Some(name) = &options.name else {
        for e2e in ALL {
            println!("{:<20} {}", e2e.name, e2e.summary);
        }
        return Ok(());
    };
    let e2e = ALL
        .iter()
        .find(|e2e| e2e.name == name)
        .with_context(|| format!("there is no end-to-end test `{name}`; `cargo xtask e2e` lists them"))?;
    tools::ensure(workspace, e2e.needs)?;
    (e2e.run)(workspace)?.announce(workspace, name)
}
