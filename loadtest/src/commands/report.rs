//! `loadtest report`: a result's file as a person reads it.

use std::process::ExitCode;

use anstream::print;

use super::{CommandError, result, write};
use crate::cli::Report;
use crate::report;

pub(super) fn run(options: &Report) -> Result<ExitCode, CommandError> {
    let result = result(&options.result)?;
    match (&options.html, &options.svg) {
        (Some(file), _) => write(file, &report::page(&result)?)?,
        (None, Some(file)) => write(file, &report::picture(&result)?)?,
        (None, None) => print!("{}", report::markdown(&result)),
    }
    Ok(ExitCode::SUCCESS)
}
