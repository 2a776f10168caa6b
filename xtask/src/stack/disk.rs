//! The folder that a process keeps its data in: any, or one that is a small disk of its own, so that it can be full. That one
//! is within a namespace, which nobody has to be root for, and is gone with the process. Must never know what is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

const MOUNT: &str = r#"mount -t tmpfs -o size=128m disk "$DISK" && exec "$@""#;

/// The folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk<'a> {
    /// As the process finds it.
    pub(super) folder: &'a Path,
    /// Whether it is a small disk.
    pub(super) is_small: bool,
}

impl Disk<'_> {
    /// The command of a program that has it.
    pub(super) fn command(self, program: &Path) -> anyhow::Result<Command> {
        let Self { folder, is_small } = self;
        if !is_small {
            return Ok(Command::new(program));
        }
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]).env("DISK", folder);
        command.arg(program);
        Ok(command)
    }

    /// Where everybody else finds the folder of that process.
    pub(super) fn seen_from_outside(self, process: u32) -> PathBuf {
        let Self { folder, is_small } = self;
        if !is_small {
            return folder.to_owned();
        }
        let within = folder.strip_prefix("/").unwrap_or(folder);
        Path::new("/proc").join(process.to_string()).join("root").join(within)
    }
}
