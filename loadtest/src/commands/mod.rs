//! What each command does: reads files, prints, and answers with an exit code.

mod compare;
mod report;
mod run;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use slo::document::Faults;

use crate::cli::{Command, Options, SchemaOf};
use crate::compare::CompareError;
use crate::engine::{self, EngineError};
use crate::report::PlotError;
use crate::result::RunResult;
use crate::target::StartError;
use crate::{result, scenario};

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
    #[error("{0} proves who asks by a bearer token; give its file with --token-file")]
    NoToken(String),
    /// A service that does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Runs that can't be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
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
    let done = match &options.command {
        Command::Run(options) => run::run(options),
        Command::Compare(options) => compare::run(options),
        Command::Report(options) => report::run(options),
        Command::Schema { of } => {
            println!(
                "{:#}",
                match of {
                    SchemaOf::Scenario => scenario::schema(),
                    SchemaOf::Result => result::schema(),
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
