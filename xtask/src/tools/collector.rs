//! The OpenTelemetry collector, built by its own builder from a manifest that names every part and its version.
//!
//! The builder itself is pinned by the folder's Go module.

use xshell::cmd;

use crate::workspace::Workspace;

/// The files that decide what the collector is made of.
pub(super) const FILES: [&str; 3] = ["go.mod", "go.sum", "builder.yaml"];

pub(super) fn install(workspace: &Workspace, folder: &str, name: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    // Where the manifest tells the builder to write its generated main package, and then the binary.
    let output = workspace.tools().join("collector");
    let bin = workspace.tools().join("bin");
    shell.create_dir(&bin)?;
    shell.change_dir(folder);
    shell.set_var("CGO_ENABLED", "0");
    cmd!(shell, "go tool builder --config builder.yaml").run()?;
    shell.copy_file(output.join(name), bin.join(name))?;
    shell.remove_path(&output)?;
    Ok(())
}
