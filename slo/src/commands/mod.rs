//! What each command does: reads files, prints, and answers with an exit code. One module for each command that is
//! more than a few lines.

mod backtest;
mod check;
mod explain;
mod gate;
mod generate;
mod mutants;
mod runbooks;
mod validate;

use std::fs;
use std::process::ExitCode;

use anstream::println;

use crate::catalogue::Catalogue;
use crate::cli::{Command, Definitions, Options};
use crate::definition::{self, Source};
use crate::document::Faults;
use crate::exposition::PageError;
use crate::generate::WriteError;
use crate::http::HttpError;
use crate::objectives::Objectives;
use crate::outputs::OutputError;
use crate::prometheus::AskError;

/// What a command found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it should be.
    Pass,
    /// Something isn't.
    Fail,
    /// Nobody can say: never a pass.
    NoData,
}

/// Why a command can't say anything: exit code 2, never a pass.
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
    /// Definitions that are wrong.
    #[error("{0}")]
    Definitions(#[from] Faults),
    /// A catalogue of metrics that is none.
    #[error("{file} is no catalogue of metrics: {source}; `cargo xtask generate` writes the service's anew")]
    Catalogue {
        /// Which.
        file: String,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// Something that can't be made.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Something that can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A server that doesn't answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A Prometheus that can't say.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A file that is no recording.
    #[error("{file}: {source}")]
    Recording {
        /// As the person wrote it.
        file: String,
        /// What is wrong with it.
        source: crate::backtest::RecordingError,
    },
    /// A file that is no result of a load test.
    #[error("{file}: {source}")]
    LoadTest {
        /// As the person wrote it.
        file: String,
        /// What is wrong with it.
        source: crate::backtest::LoadTestError,
    },
    /// What can't be replayed.
    #[error(transparent)]
    Replay(#[from] crate::backtest::ReplayError),
    /// Neither an objective nor an alert.
    #[error("{name:?} is neither an objective nor an alert; expected one of: {}", known.join(", "))]
    NothingToExplain {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A picture that can't be drawn.
    #[error("cannot draw {file}: {reason}")]
    Plot {
        /// As the person wrote it.
        file: String,
        /// Why.
        reason: String,
    },
    /// An objective that the definitions don't have.
    #[error("--slo {0}: the definitions have no such objective; `slo validate` reads them")]
    NoObjective(String),
    /// A page that is none of metrics.
    #[error("{url}: {source}")]
    Page {
        /// Its address.
        url: String,
        /// What is wrong with it.
        source: PageError,
    },
    /// A mutant that can't be tried.
    #[error(transparent)]
    Trial(#[from] crate::mutants::TrialError),
    /// A list of survivors that can't be read.
    #[error(transparent)]
    Survivors(#[from] crate::mutants::SurvivorsError),
    /// An expression that doesn't parse.
    #[error(transparent)]
    Query(#[from] crate::query::QueryError),
}

/// Runs a command and says how it went: 0 pass, 1 fail, 2 can't say.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let verdict = match &options.command {
        Command::Validate => validate::run(&options.definitions),
        Command::Gate(gate) => gate::run(&options.definitions, gate),
        Command::Backtest(backtest) => backtest::run(&options.definitions, backtest),
        Command::Explain(explain) => explain::run(&options.definitions, explain),
        Command::Check(check) => check::run(&options.definitions, check),
        Command::Generate(generate) => generate::run(&options.definitions, generate),
        Command::Mutants(mutants) => mutants::run(&options.definitions, mutants),
        Command::Runbooks(runbooks) => runbooks::run(&options.definitions, runbooks),
        Command::Schema => {
            println!("{:#}", definition::schema());
            Ok(Verdict::Pass)
        }
    };
    match verdict {
        Ok(Verdict::Pass) => ExitCode::SUCCESS,
        Ok(Verdict::Fail) => ExitCode::from(1),
        Ok(Verdict::NoData) => ExitCode::from(2),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Reads and checks the objectives.
fn objectives(definitions: &Definitions) -> Result<Objectives, CommandError> {
    let file = &definitions.definitions;
    let text = read(definitions, file)?;
    Ok(Source::read(file, &text)?.check()?)
}

/// What programs export: the service as it says itself, the load test as it was agreed on.
const PROGRAMS: [&str; 2] = ["services/inference/metrics.json", "loadtest/metrics.json"];

/// What all programs export.
fn programs(definitions: &Definitions) -> Result<Vec<Catalogue>, CommandError> {
    PROGRAMS.iter().map(|file| catalogue(definitions, file)).collect()
}

/// What a program exports, as its file below the root says.
fn catalogue(definitions: &Definitions, file: &str) -> Result<Catalogue, CommandError> {
    serde_json::from_str(&read(definitions, file)?)
        .map_err(|source| CommandError::Catalogue { file: file.to_owned(), source })
}

/// A file below the root.
fn read(definitions: &Definitions, file: &str) -> Result<String, CommandError> {
    fs::read_to_string(definitions.root.join(file))
        .map_err(|source| CommandError::Unreadable { file: file.to_owned(), source })
}
