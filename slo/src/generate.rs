//! Writes what is made from the objectives, or says what is stale. The only writer of this crate.
//!
//! Everything is made in memory before the first file is touched, so that a fault leaves all files as they were
//! (sloth truncates its output before it parses its input).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::outputs::Output;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Those that are not in `folder` as they would be written.
#[must_use]
pub fn stale<'output>(folder: &Path, outputs: &'output [Output]) -> Vec<&'output Output> {
    let is_stale = |output: &&Output| {
        fs::read_to_string(folder.join(&output.path)).ok().as_ref() != Some(&output.content)
    };
    outputs.iter().filter(is_stale).collect()
}

/// Writes those that are stale and returns them.
///
/// # Errors
///
/// When one can't be written. Each is renamed into its place, so that no reader sees half of one.
pub fn write<'output>(folder: &Path, outputs: &'output [Output]) -> Result<Vec<&'output Output>, WriteError> {
    let stale = stale(folder, outputs);
    for output in &stale {
        let path = folder.join(&output.path);
        put(&path, &output.content).map_err(|source| WriteError { path, source })?;
    }
    Ok(stale)
}

fn put(path: &Path, content: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, content)?;
    fs::rename(&beside, path)
}
