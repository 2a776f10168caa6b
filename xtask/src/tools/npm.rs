//! Programs of the npm registry, each in a folder of its own with its lock file.
//!
//! What is locked are the packages and their hashes; no package's own scripts are run.

use std::path::Path;

use anyhow::Context as _;
use xshell::cmd;

use crate::workspace::Workspace;

/// All files of the folder, by name: a changed program is another tool as well.
pub(super) fn pin(workspace: &Workspace, folder: &str) -> anyhow::Result<String> {
    let mut pin = String::new();
    for name in files(&workspace.path(folder))? {
        let content = std::fs::read_to_string(workspace.path(folder).join(&name))
            .with_context(|| format!("cannot read {folder}/{name}"))?;
        pin += &format!("{name}\n{content}\n");
    }
    Ok(pin)
}

/// Copies the folder to where the tools are, and installs there what it needs: a program finds packages beside itself
/// only.
pub(super) fn install(workspace: &Workspace, folder: &str, name: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let there = workspace.tools().join(name);
    shell.remove_path(&there)?;
    shell.create_dir(&there)?;
    for file in files(&workspace.path(folder))? {
        shell.copy_file(workspace.path(folder).join(&file), there.join(&file))?;
    }
    shell.change_dir(&there);
    cmd!(shell, "npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent").quiet().run()?;
    Ok(())
}

fn files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names
                .push(entry.file_name().into_string().map_err(|name| anyhow::anyhow!("{}", name.display()))?);
        }
    }
    names.sort_unstable();
    Ok(names)
}
