//! Python environments, each from a lock file with hashes: that of the project's own scripts and tests, and those of tools
//! whose needs contradict it.

use anyhow::Context as _;
use xshell::cmd;

use crate::workspace::Workspace;

/// The whole lock file.
pub(super) fn pin(workspace: &Workspace, lock: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(workspace.path(lock)).with_context(|| format!("cannot read {lock}"))
}

/// Whether the environment is there, of whatever lock file.
pub(super) fn is_there(workspace: &Workspace, name: &str) -> bool {
    workspace.environment(name).join("bin/python").is_file()
}

/// Makes the environment anew: a package that left the lock file must leave the environment too.
pub(super) fn install(workspace: &Workspace, name: &str, lock: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let folder = workspace.environment(name);
    let python = folder.join("bin/python");
    cmd!(shell, "python3 -m venv --clear {folder}").run()?;
    cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --require-hashes --requirement {lock}"
    )
    .run()?;
    Ok(())
}
