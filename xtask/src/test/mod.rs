//! `cargo xtask test`: runs the steps of `steps.rs` in their order, says how each went, and closes with the counts.
//!
//! A step that fails stops only the steps that need it. Must never let a step that was not tried count as passed.

mod steps;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use xshell::cmd;

use crate::outcome::Outcome;
use crate::report::{Report, Verdict};
use crate::tools;
use crate::workspace::Workspace;

use self::steps::{Action, Step};

/// What to run, and what may be left out.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Only what the inner loop needs: no tools beyond Rust's own, no optimised build
    #[arg(long)]
    quick: bool,
    /// Run only these steps; --list shows their names
    steps: Vec<String>,
    /// Show the steps and what each runs, and run nothing
    #[arg(long)]
    list: bool,
    /// In CI, take it that this step is skipped, for a machine that cannot run it (may be given more than once)
    #[arg(long, value_name = "STEP")]
    allow_skip: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &TestOptions) -> anyhow::Result<ExitCode> {
    let chosen = choose(steps::all(), options)?;
    if options.list {
        for step in &chosen {
            println!("{:<18} {}", step.name, step.action);
        }
        return Ok(ExitCode::SUCCESS);
    }

    let mut report = Report::default();
    for (index, step) in chosen.iter().enumerate() {
        eprintln!("[{}/{}] {}: {}", index + 1, chosen.len(), step.name, step.action);
        let begun = Instant::now();
        let verdict = judge(attempt(workspace, step, &chosen, &report), may_skip(workspace, options, step));
        report.ended(&step.name, verdict, begun.elapsed());
    }
    let counts = report.counts();
    println!("{}\n", report.table());
    println!("{counts}");
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The steps that the options ask for, in the order of the plan.
fn choose(all: Vec<Step>, options: &TestOptions) -> anyhow::Result<Vec<Step>> {
    for name in options.steps.iter().chain(&options.allow_skip) {
        if !all.iter().any(|step| step.name == *name) {
            bail!("there is no step `{name}`; `cargo xtask test --list` shows them");
        }
    }
    let wanted = |step: &Step| {
        if options.steps.is_empty() {
            step.quick || !options.quick
        } else {
            options.steps.contains(&step.name)
        }
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// Runs a step if what it needs is there.
fn attempt(workspace: &Workspace, step: &Step, plan: &[Step], report: &Report) -> anyhow::Result<Outcome> {
    if let Some(before) = step.after.iter().find(|before| report.is_not_passed(before)) {
        return Ok(Outcome::Skipped(format!("it needs the step `{before}`, which did not pass")));
    }
    // A step that is run alone installs what it needs; in a whole run the step `tools` has done so and said how it went.
    if !plan.iter().any(|step| matches!(step.action, Action::Tools)) {
        tools::ensure(workspace, step.needs)?;
    }
    if let Some(missing) = tools::missing(workspace, step.needs)?.first() {
        return Ok(Outcome::Skipped(format!(
            "it needs {missing}; `cargo xtask tools {missing}` installs it"
        )));
    }
    match &step.action {
        Action::Command { env, line } => {
            let shell = workspace.shell()?;
            for (name, value) in *env {
                shell.set_var(name, value);
            }
            let (program, args) = line.split_first().context("a step without a command")?;
            cmd!(shell, "{program} {args...}").quiet().run()?;
            Ok(Outcome::Passed)
        }
        Action::Tools => {
            let needed: Vec<&str> = plan.iter().flat_map(|step| step.needs).copied().collect();
            tools::ensure(workspace, &needed)?;
            Ok(Outcome::Passed)
        }
        Action::Task { run, .. } => run(workspace),
        Action::E2e(e2e) => (e2e.run)(workspace),
    }
}

/// A skipped step is a failure where nobody is watching, unless it is named.
fn may_skip(workspace: &Workspace, options: &TestOptions, step: &Step) -> bool {
    !workspace.ci() || options.allow_skip.contains(&step.name)
}

fn judge(ended: anyhow::Result<Outcome>, may_skip: bool) -> Verdict {
    match ended {
        Ok(Outcome::Passed) => Verdict::Passed,
        Ok(Outcome::Skipped(reason)) if may_skip => Verdict::Skipped(reason),
        Ok(Outcome::Skipped(reason)) => Verdict::Failed(format!("skipped, which CI does not take: {reason}")),
        Err(error) => Verdict::Failed(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_a_failure_where_nobody_watches_unless_it_is_allowed() {
        let skipped = || Ok(Outcome::Skipped("no podman".to_owned()));
        assert!(matches!(judge(skipped(), true), Verdict::Skipped(_)));
        assert!(matches!(judge(skipped(), false), Verdict::Failed(_)));
    }

    #[test]
    fn a_name_that_is_no_step_is_refused() {
        let options =
            TestOptions { quick: false, steps: vec!["nope".into()], list: false, allow_skip: vec![] };
        let error = choose(steps::all(), &options).unwrap_err().to_string();
        assert_eq!(error, "there is no step `nope`; `cargo xtask test --list` shows them");
    }

    #[test]
    fn quick_is_a_part_of_the_whole() {
        let options = TestOptions { quick: true, steps: vec![], list: false, allow_skip: vec![] };
        let quick = choose(steps::all(), &options).unwrap();
        assert!(quick.iter().all(|step| step.needs.is_empty()), "the inner loop needs no tools");
        assert!(!quick.is_empty() && quick.len() < steps::all().len());
    }
}
