//! `loadtest report`: a result's file as a person reads it.

use std::fs;
use std::process::ExitCode;

use super::{CommandError, read};
use crate::cli::Report;
use crate::report;
use crate::result::RunResult;

pub(super) fn run(options: &Report) -> Result<ExitCode, CommandError> {
    let json = |source| CommandError::Json { what: options.result.display().to_string(), source };
    let result: RunResult = serde_json::from_str(&read(&options.result)?).map_err(json)?;
    match &options.html {
        None => print!("{}", report::markdown(&result)),
        Some(file) => fs::write(file, report::page(&result)?)
            .map_err(|source| CommandError::Unwritable { file: file.display().to_string(), source })?,
    }
    Ok(ExitCode::SUCCESS)
}
