//! The Python environment of the model's scripts and their tests, from a lock file with hashes.

use anyhow::Context as _;
use xshell::cmd;

use crate::workspace::Workspace;

/// The whole lock file.
pub(super) fn pin(workspace: &Workspace, lock: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(workspace.path(lock)).with_context(|| format!("cannot read {lock}"))
}

/// Makes the environment anew: a package that left the lock file must leave the environment too.
pub(super) fn install(workspace: &Workspace, lock: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let folder = workspace.tools().join("python");
    let python = workspace.python();
    cmd!(shell, "python3 -m venv --clear {folder}").run()?;
    cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --require-hashes --requirement {lock}"
    )
    .run()?;
    Ok(())
}
