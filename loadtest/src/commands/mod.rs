//! What each command does: reads files, prints, and answers with an exit code.

mod asked;
mod capacity;
mod compare;
mod history;
mod ladder;
mod merge;
mod progress;
mod report;
mod run;

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anstream::{print, println};
use clap::ValueEnum as _;
use serde::Serialize;
use slo::document::Faults;

use crate::cli::{Command, Options, SchemaOf};
use crate::compare::CompareError;
use crate::engine::{self, EngineError};
use crate::machine::Machine;
use crate::merge::MergeError;
use crate::objectives::Objectives;
use crate::report::PlotError;
use crate::result::RunResult;
use crate::scenario::{Credentials, Phase, Scenario};
use crate::share::Indivisible;
use crate::target::{Lacking, StartError};
use crate::verdict::Verdict;
use crate::{result, scenario};

/// The alerts' own thresholds, as they were when the harness was built.
const OBJECTIVES: &str = include_str!("../../objectives.json");

/// Why nobody can say: exit code 2, never a pass.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A file that can't be read.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// As the person wrote it.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that can't be written.
    #[error("cannot write {file}: {source}")]
    Unwritable {
        /// As the person wrote it.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A scenario that is wrong.
    #[error("{0}")]
    Scenario(#[from] Faults),
    /// Objectives or a result that are not of their form.
    #[error("{what}: {source}")]
    Json {
        /// Which.
        what: String,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// No credentials for a scenario that needs some.
    #[error(transparent)]
    Lacking(#[from] Lacking),
    /// A service that is there, where the scenario says how its own is started.
    #[error(
        "the field service says how the service is started, so it can't be one that is there; leave --target out"
    )]
    OwnService,
    /// A load that can't be divided.
    #[error(transparent)]
    Indivisible(#[from] Indivisible),
    /// A share that is ready when the others have begun.
    #[error(
        "the shares began {0:?} ago; give --begin-at a time that leaves each machine enough to get ready"
    )]
    Late(Duration),
    /// Results that are not one run.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A service that does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A scenario that has no rate to begin with.
    #[error("{0} has not one rate; expected one phase, of an open load")]
    NotOneRate(String),
    /// A run of a ladder of which nothing can be said.
    #[error("{credentials}: {}: {}; perhaps a lower rate, or a quieter machine", verdict.outcome.word(), verdict.because)]
    Rung {
        /// How requests proved who sent them.
        credentials: String,
        /// What came of it.
        verdict: Verdict,
    },
    /// Runs that can't be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// No history.
    #[error("git knows no history of it: {said}")]
    Git {
        /// Its own words.
        said: String,
    },
    /// A page that can't be made.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A phase that can't be run.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs a command and says how it went.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    // Before cores are set apart for a service.
    let machine = || Machine::look(options.commit.as_deref());
    let done = match &options.command {
        Command::Run(options) => run::run(options, machine()),
        Command::Capacity(options) => capacity::run(options, machine()),
        Command::Ladder(options) => ladder::run(options, machine()),
        Command::Compare(options) => compare::run(options),
        Command::Merge(options) => merge::run(options),
        Command::Report(options) => report::run(options),
        Command::History(options) => history::run(options),
        Command::Schema { of } => {
            println!(
                "{:#}",
                match of {
                    SchemaOf::Scenario => scenario::schema(),
                    SchemaOf::Result => result::schema(),
                    SchemaOf::Capacity => crate::capacity::schema(),
                    SchemaOf::Ladder => crate::ladder::schema(),
                }
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Generate => Ok(engine::generate()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(2)
    })
}

fn read(file: &Path) -> Result<String, CommandError> {
    fs::read_to_string(file)
        .map_err(|source| CommandError::Unreadable { file: file.display().to_string(), source })
}

/// A file that `run --out` kept.
fn result(file: &Path) -> Result<RunResult, CommandError> {
    serde_json::from_str(&read(file)?)
        .map_err(|source| CommandError::Json { what: file.display().to_string(), source })
}

fn scenario(file: &Path) -> Result<Scenario, CommandError> {
    let objectives = Objectives::read(OBJECTIVES)
        .map_err(|source| CommandError::Json { what: "loadtest/objectives.json".to_owned(), source })?;
    Ok(Scenario::read(&file.display().to_string(), &read(file)?, &objectives)?)
}

/// What is run at one rate after the other, or by one proof after the other, and its rate.
fn only_phase(scenario: &Scenario) -> Result<(&Phase, NonZeroU32), CommandError> {
    match scenario.phases.as_slice() {
        [phase] => phase.rate.and_then(NonZeroU32::new).map(|rate| (phase, rate)),
        _ => None,
    }
    .ok_or_else(|| CommandError::NotOneRate(scenario.name.clone()))
}

/// As it was typed, without the folder of the program.
fn command() -> String {
    std::iter::once("loadtest".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ")
}

/// As the command line has it.
fn name(credentials: Credentials) -> String {
    credentials.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Standard output, as it is named where a file is.
const STANDARD_OUTPUT: &str = "-";

/// Writes what was seen, as JSON.
fn keep(file: &Path, seen: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_string_pretty(seen)
        .map_err(|source| CommandError::Json { what: file.display().to_string(), source })?;
    write(file, &(json + "\n"))
}

fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    if file == Path::new(STANDARD_OUTPUT) {
        print!("{text}");
        return Ok(());
    }
    fs::write(file, text)
        .map_err(|source| CommandError::Unwritable { file: file.display().to_string(), source })
}
