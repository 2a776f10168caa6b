//! `loadtest history`: what a file of results was at each commit that changed it.

use std::process::{Command, ExitCode};

use anstream::print;

use super::CommandError;
use crate::cli::History;
use crate::report;
use crate::result::RunResult;

pub(super) fn run(options: &History) -> Result<ExitCode, CommandError> {
    let file = options.result.display().to_string();
    let commits = git(&["log", "--reverse", "--format=%H", "--", &file])?;
    let mut results: Vec<RunResult> = Vec::new();
    for commit in commits.lines() {
        // From where the command is run, as the person wrote it.
        let text = git(&["show", &format!("{commit}:./{file}")])?;
        let result = serde_json::from_str(&text)
            .map_err(|source| CommandError::Json { what: format!("{file} of {commit}"), source })?;
        results.push(result);
    }
    if results.is_empty() {
        return Err(CommandError::Git { said: format!("no commit has {file}") });
    }
    print!("{}", report::history(&results));
    Ok(ExitCode::SUCCESS)
}

fn git(arguments: &[&str]) -> Result<String, CommandError> {
    let output = Command::new("git").args(arguments).output();
    let output = output.map_err(|source| CommandError::Git { said: source.to_string() })?;
    if !output.status.success() {
        return Err(CommandError::Git { said: String::from_utf8_lossy(&output.stderr).trim().to_owned() });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
