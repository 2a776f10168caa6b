//! The cloud without an account: what Terraform would make is checked, then made, asked and taken down on an AWS on
//! loopback.

mod checks;
mod emulator;
mod estate;
mod interruption;
mod life;
mod mirror;
mod progress;
mod second_plan;
mod shown;

use std::thread;
use std::time::Instant;

use self::estate::Estate;
use super::E2e;
use super::shown::compare;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e cloud`
pub(crate) const TEST: E2e = E2e {
    name: "cloud",
    summary: "Terraform makes the cloud on an AWS on loopback: private, encrypted, locked, completed after a cut, \
              empty after destroy",
    needs: &["terraform", "tflint", "checkov", "python"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let estate = Estate::copy(workspace)?;
    // The life is mostly waiting, as the provider waits for AWS.
    let (checks, lines) = thread::scope(|scope| {
        let checks = scope.spawn(|| {
            let begun = Instant::now();
            // Copied again: the life changes the roots that it lives in.
            checks::make(workspace, &Estate::copy(workspace)?).map(|checks| (checks, begun.elapsed()))
        });
        let lines = life::live(workspace, &estate);
        let checks = checks.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (checks, lines)
    });
    let ((checks, checks_took), lines) = (checks?, lines?);
    let table = shown::table(&checks, checks_took, &lines, begun.elapsed());
    compare(workspace, TEST.name, shown::COMMITTED, &table)?;
    Ok(Outcome::Passed)
}
