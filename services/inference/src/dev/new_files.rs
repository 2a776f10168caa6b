//! Writes what was made: new files only, secrets for their owner only. The one file that is replaced, the list of
//! revoked certificates, is replaced as a whole.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::DevError;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Everybody,
    Owner,
}

/// A file to be.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) name: String,
    pub(super) readers: For,
    pub(super) text: String,
}

/// Writes all of `files` into `folder`, or none where one of them exists. Returns their paths.
pub(super) fn write(folder: &Path, files: &[NewFile]) -> Result<Vec<PathBuf>, DevError> {
    fs::create_dir_all(folder).map_err(|source| DevError::File { path: folder.to_owned(), source })?;
    let paths: Vec<_> = files.iter().map(|file| folder.join(&file.name)).collect();
    if let Some(path) = paths.iter().find(|path| path.exists()) {
        return Err(DevError::Exists(path.clone()));
    }
    for (path, file) in paths.iter().zip(files) {
        write_one(path, file.readers, &file.text)?;
    }
    Ok(paths)
}

/// Puts `text` where the file at `path` is, in one step: whoever reads it at that moment reads the old or the new.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), DevError> {
    let beside = path.with_extension("new");
    write_one(&beside, For::Everybody, text)?;
    fs::rename(&beside, path).map_err(|source| DevError::File { path: path.to_owned(), source })
}

fn write_one(path: &Path, readers: For, text: &str) -> Result<(), DevError> {
    let mode = match readers {
        For::Everybody => 0o644,
        For::Owner => 0o600,
    };
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())
    };
    written().map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => DevError::Exists(path.to_owned()),
        _ => DevError::File { path: path.to_owned(), source },
    })
}
