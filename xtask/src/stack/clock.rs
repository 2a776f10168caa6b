//! A process that is told another time than the machine's, by a file. Must never move the clock by which it measures how
//! long something takes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

/// Where Debian puts libraries, one folder for each architecture.
const LIBRARIES: &str = "/usr/lib";

/// What Debian's package of `faketime` has there, for a program of several threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Has the command read in `file` how far its clock is from the machine's, such as `+2d`, once a second. It has to be linked
/// dynamically, as all but the shipped binary is.
pub(super) fn move_by(command: &mut Command, file: &str) -> anyhow::Result<()> {
    command
        .env("LD_PRELOAD", library()?)
        .env("FAKETIME_TIMESTAMP_FILE", file)
        .env("FAKETIME_CACHE_DURATION", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        // Files keep their times: a changed one is known by them.
        .env("NO_FAKE_STAT", "1");
    Ok(())
}

fn library() -> anyhow::Result<PathBuf> {
    for folder in fs::read_dir(LIBRARIES).context(LIBRARIES)? {
        let library = folder?.path().join(LIBRARY);
        if library.exists() {
            return Ok(library);
        }
    }
    anyhow::bail!("no {LIBRARIES}/*/{LIBRARY}; expected from Debian's package faketime")
}
