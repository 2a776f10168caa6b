//! `slo validate`: are the definitions right? And if so, how much they are.

use anstream::println;

use super::{CommandError, Verdict};
use crate::cli::Definitions;
use crate::rules;

pub(super) fn run(definitions: &Definitions) -> Result<Verdict, CommandError> {
    let objectives = match super::objectives(definitions) {
        Err(CommandError::Definitions(faults)) => {
            eprintln!("{faults}");
            return Ok(Verdict::Fail);
        }
        other => other?,
    };
    let groups = rules::rules(&objectives)?.groups;
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    println!(
        "{}: {} objectives, {rules} rules in {} groups",
        objectives.source,
        objectives.slos.len(),
        groups.len()
    );
    Ok(Verdict::Pass)
}
