//! `loadtest merge`: from the results of all shares of a run to its verdict.

use std::process::ExitCode;

use super::run::leave;
use super::{CommandError, result, scenario};
use crate::cli::Merge;
use crate::merge::merge;

pub(super) fn run(options: &Merge) -> Result<ExitCode, CommandError> {
    let scenario = scenario(&options.scenario)?;
    let shares = options.results.iter().map(|file| result(file)).collect::<Result<Vec<_>, _>>()?;
    let merged = merge(&scenario, &shares)?;
    leave(&merged, options.out.as_deref())?;
    Ok(merged.verdict.outcome.exit_code())
}
