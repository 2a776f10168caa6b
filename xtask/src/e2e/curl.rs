//! What a newcomer does first: start the service, paste what it printed, read the prediction.

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use super::E2e;
use crate::artifact;
use crate::outcome::Outcome;
use crate::service::{self, Service};
use crate::workspace::Workspace;

/// `cargo xtask e2e curl`
pub(crate) const TEST: E2e = E2e {
    name: "curl",
    summary: "the command that the service prints at its start answers {\"predicciones\":[1]}",
    needs: &["curl"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let service = Service::start(&artifact::service(workspace)?, &[])?;
    paste(&workspace.shell()?, &service.output()?.stdout)?;
    service.stop()?;
    Ok(Outcome::Passed)
}

/// Runs the printed command, as it stands, in a shell, and checks what it shows.
pub(super) fn paste(shell: &Shell, banner: &str) -> anyhow::Result<()> {
    let command = service::printed_curl(banner)?;
    let shown =
        cmd!(shell, "sh -c {command}").quiet().ignore_stderr().read().context("the printed curl failed")?;
    ensure!(shown.trim() == r#"{"predicciones":[1]}"#, "the printed curl showed {shown:?}");
    Ok(())
}
