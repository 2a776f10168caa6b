//! A folder that is a small disk of its own, so that it can be full. It is one within a namespace, which nobody has to be
//! root for, and is gone with the process that has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

const MOUNT: &str = r#"mount -t tmpfs -o size=128m disk "$DISK" && exec "$@""#;

/// The command that has `folder` as such a disk; the program and its arguments are still to be added.
pub(super) fn small(folder: &Path) -> anyhow::Result<Command> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]).env("DISK", folder);
    Ok(command)
}

/// Where everybody else finds the folder of that process.
pub(super) fn seen_from_outside(process: u32, folder: &Path) -> PathBuf {
    let within = folder.strip_prefix("/").unwrap_or(folder);
    Path::new("/proc").join(process.to_string()).join("root").join(within)
}
