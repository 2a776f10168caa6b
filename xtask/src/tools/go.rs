//! Programs in Go, and files that are published as Go modules, each from a module of our own whose `go.mod` and `go.sum`
//! pin it and all that it is made of.
//!
//! A module of our own, because `go install PACKAGE@VERSION` refuses programs whose own `go.mod` replaces modules, and
//! takes no sums of ours. Must never build what the folder's `go.sum` does not name.

use std::path::Path;

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

/// Builds the package into `.tools/bin`. Nobody debugs what is only run, so that symbols are left out.
pub(super) fn install(workspace: &Workspace, name: &str, folder: &str, package: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let program = workspace.tool(name);
    shell.change_dir(folder);
    shell.set_var("CGO_ENABLED", "0");
    let stripped = "-ldflags=-s -w";
    cmd!(shell, "go build -mod=readonly -trimpath {stripped} -o {program} {package}").run()?;
    Ok(())
}

/// Copies files of a module, which the folder's own requires, into `.tools/NAME`.
pub(super) fn files(
    workspace: &Workspace,
    name: &str,
    folder: &str,
    module: &str,
    files: &[&str],
) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let to = workspace.tools().join(name);
    shell.create_dir(&to)?;
    shell.change_dir(folder);
    cmd!(shell, "go mod download {module}").run()?;
    let format = "{{.Dir}}";
    let from = Path::new(&cmd!(shell, "go list -m -f {format} {module}").read()?).to_owned();
    for file in files {
        // Written anew: what lies in the module's folder can't be.
        let content = shell.read_file(from.join(file))?;
        shell.write_file(to.join(Path::new(file).file_name().context("a folder")?), content)?;
    }
    Ok(())
}
