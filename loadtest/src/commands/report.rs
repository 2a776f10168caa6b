//! `loadtest report`: a result's file as a person reads it.

use std::fs;
use std::process::ExitCode;

use super::{CommandError, result};
use crate::cli::Report;
use crate::report;

pub(super) fn run(options: &Report) -> Result<ExitCode, CommandError> {
    let result = result(&options.result)?;
    match &options.html {
        None => print!("{}", report::markdown(&result)),
        Some(file) => fs::write(file, report::page(&result)?)
            .map_err(|source| CommandError::Unwritable { file: file.display().to_string(), source })?,
    }
    Ok(ExitCode::SUCCESS)
}
