//! Where things are in this checkout, and whether this is a run in CI.
//!
//! Owns every path that more than one task uses. Must never run a command: that is what the tasks do.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::Shell;

/// The checkout that a task works on.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    ci: bool,
}

impl Workspace {
    /// The workspace that this xtask was built in.
    pub(crate) fn locate(ci: bool) -> anyhow::Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root =
            manifest.parent().with_context(|| format!("{} has no parent folder", manifest.display()))?;
        Ok(Self { root: root.to_owned(), ci })
    }

    /// A workspace in any folder: what the tests of the rules use.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), ci: false }
    }

    /// The folder of the root `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path given relative to the root, with `/` between its parts.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Whether nobody is watching: a skipped test is then a failure.
    pub(crate) const fn ci(&self) -> bool {
        self.ci
    }

    /// Everything that `cargo xtask tools` installs lives here, apart from system packages.
    pub(crate) fn tools(&self) -> PathBuf {
        self.path(".tools")
    }

    /// A command that `cargo xtask tools` has put in `.tools/bin`.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.tools().join("bin").join(name)
    }

    /// The folder of a locked Python environment.
    pub(crate) fn environment(&self, name: &str) -> PathBuf {
        self.tools().join(name)
    }

    /// The interpreter of the project's own Python environment.
    pub(crate) fn python(&self) -> PathBuf {
        self.environment("python").join("bin/python")
    }

    /// A new shell that stands at the root and finds the tools of `.tools/bin` before the system's.
    /// One per task: `xshell::Shell` can't be shared between threads.
    pub(crate) fn shell(&self) -> anyhow::Result<Shell> {
        let shell = Shell::new().context("cannot read the current folder")?;
        shell.change_dir(&self.root);
        let system = shell.var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.tools().join("bin")).chain(std::env::split_paths(&system));
        shell.set_var("PATH", std::env::join_paths(folders).context("the root's path has a colon in it")?);
        Ok(shell)
    }
}
