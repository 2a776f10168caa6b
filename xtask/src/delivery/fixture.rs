//! A checkout for tests, in which programs only write down how they are called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::workspace::Workspace;

/// Empty but for the programs that it is given.
pub(super) struct Checkout(TempDir);

impl Default for Checkout {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Checkout {
    pub(super) fn workspace(&self) -> Workspace {
        Workspace::at(self.0.path())
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// A program that is found before the system's, and what it does beside noting its calls: lines of a shell.
    pub(super) fn program(&self, name: &str, does: &str) {
        let bin = self.path(".tools/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(format!("{name}.does")), does).unwrap();
        let noting = concat!(env!("CARGO_MANIFEST_DIR"), "/src/delivery/noting.sh");
        // It may be there already, doing something else.
        if !bin.join(name).exists() {
            symlink(noting, bin.join(name)).unwrap();
        }
    }

    /// The command lines so far.
    pub(super) fn called(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}
