//! The file in which a process says where it listens, for the program that started it. Decides nothing that is in it.

use std::io;
use std::path::Path;

use serde::Serialize;

/// Writes `ready` as JSON, where a file is asked for.
///
/// # Errors
/// What the operating system said, with the file's name.
pub(crate) fn write(path: Option<&Path>, ready: &impl Serialize) -> io::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let json = serde_json::to_vec(ready)?;
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::write(path, json).map_err(named)
}
