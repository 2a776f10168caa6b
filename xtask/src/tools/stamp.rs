//! Remembers, for each installed tool, the pin that it was installed from.
//!
//! The stamp is the pin's own text, so that a difference can be read. It is removed before an installation and written
//! after it: what was interrupted is installed again.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::workspace::Workspace;

fn path(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.tools().join("stamps").join(name)
}

/// Whether the tool was installed from exactly this pin.
pub(super) fn is_fresh(workspace: &Workspace, name: &str, pin: &str) -> bool {
    std::fs::read_to_string(path(workspace, name)).is_ok_and(|installed| installed == pin)
}

pub(super) fn write(workspace: &Workspace, name: &str, pin: &str) -> anyhow::Result<()> {
    let path = path(workspace, name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(&path, pin).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn remove(workspace: &Workspace, name: &str) -> anyhow::Result<()> {
    match std::fs::remove_file(path(workspace, name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("cannot remove an old stamp"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_fresh_for_its_own_pin_only() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        assert!(!is_fresh(&workspace, "wrk", "4.1"));
        remove(&workspace, "wrk").unwrap();

        write(&workspace, "wrk", "4.1").unwrap();
        assert!(is_fresh(&workspace, "wrk", "4.1"));
        assert!(!is_fresh(&workspace, "wrk", "4.2"));
        assert!(!is_fresh(&workspace, "hey", "4.1"));

        remove(&workspace, "wrk").unwrap();
        assert!(!is_fresh(&workspace, "wrk", "4.1"));
    }
}
