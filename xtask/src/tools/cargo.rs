//! Crates with a binary, through `cargo install`, with the versions that the crate itself locked.

use xshell::cmd;

use crate::workspace::Workspace;

/// Installs into `.tools/bin`. Unoptimised: these tools run for seconds, and to optimise them would take minutes.
pub(super) fn install(workspace: &Workspace, name: &str, version: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let root = workspace.tools();
    // Apart from the workspace's own target folder: its settings would otherwise rebuild both, in turns.
    let target = root.join("target");
    shell.set_var("CARGO_TARGET_DIR", &target);
    shell.set_var("CARGO_PROFILE_DEV_DEBUG", "none");
    let exact = format!("={version}");
    cmd!(shell, "cargo install --quiet --locked --force --debug --root {root} --version {exact} {name}")
        .run()?;
    shell.remove_path(&target)?;
    Ok(())
}
