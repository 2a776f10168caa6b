//! Programs in Go, each from a module of our own whose `go.mod` and `go.sum` pin it and all that it is made of.
//!
//! A module of our own, because `go install PACKAGE@VERSION` refuses programs whose own `go.mod` replaces modules, and
//! takes no sums of ours. Must never build what the folder's `go.sum` does not name.

use anyhow::Context as _;
use xshell::cmd;

use crate::workspace::Workspace;

/// The files that decide what a program of the folder is made of.
pub(super) const FILES: [&str; 2] = ["go.mod", "go.sum"];

/// These files of the folder, one after the other.
pub(super) fn pin(workspace: &Workspace, folder: &str, files: &[&str]) -> anyhow::Result<String> {
    files
        .iter()
        .map(|file| {
            let path = workspace.path(folder).join(file);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {folder}/{file}"))
        })
        .collect()
}

/// Builds the package into `.tools/bin`, under the last part of its path.
pub(super) fn install(workspace: &Workspace, folder: &str, package: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let bin = workspace.tools().join("bin");
    shell.create_dir(&bin)?;
    shell.change_dir(folder);
    shell.set_var("CGO_ENABLED", "0");
    shell.set_var("GOBIN", &bin);
    cmd!(shell, "go install -mod=readonly -trimpath {package}").run()?;
    Ok(())
}
