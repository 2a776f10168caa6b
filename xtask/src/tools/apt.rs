//! Debian packages, through apt-get, and only those that are missing.
//!
//! Must never ask for a password: without the right to install, it says which command would.

use anyhow::bail;
use xshell::cmd;

use crate::process;
use crate::workspace::Workspace;

pub(super) fn install(workspace: &Workspace, packages: &[&str]) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let by_hand = format!("sudo apt-get install --no-install-recommends {}", packages.join(" "));
    if !process::is_in_path("apt-get") {
        bail!("there is no apt-get here: install these in this system's own way: {}", packages.join(" "));
    }
    let root = cmd!(shell, "id -u").quiet().read()? == "0";
    let sudo: &[&str] = if root {
        &[]
    } else if process::is_in_path("sudo") && cmd!(shell, "sudo -n true").quiet().ignore_stderr().run().is_ok()
    {
        &["sudo", "-n"]
    } else {
        bail!("system packages are missing, and only root can install them: {by_hand}");
    };
    shell.set_var("DEBIAN_FRONTEND", "noninteractive");
    cmd!(shell, "env {sudo...} apt-get update --quiet --quiet").run()?;
    cmd!(shell, "env {sudo...} apt-get install --quiet --quiet --yes --no-install-recommends {packages...}")
        .ignore_stdout()
        .run()?;
    Ok(())
}
