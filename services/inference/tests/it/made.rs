//! What the binary's commands make, and the folder that they make it in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use inference::identity::{KeySet, VerificationKey};
use serde_json::Value;
use tempfile::TempDir;

use crate::startup::{inference, stderr};

/// A folder that commands write into.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// The set of the public key in this file alone.
    pub(crate) fn public_key(&self, file: &str) -> KeySet {
        VerificationKey::from_pem(&self.read(file)).unwrap().into()
    }

    pub(crate) fn arg(&self, file: &str) -> String {
        self.path(file).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(name).collect();
        names.sort();
        names
    }

    /// Who may read and write a file.
    pub(crate) fn mode(&self, file: &str) -> u32 {
        fs::metadata(self.path(file)).unwrap().permissions().mode() & 0o777
    }

    /// Makes a signing key.
    pub(crate) fn signing(&self, algorithm: &str) {
        made(&["keys", "signing", &self.arg(""), "--algorithm", algorithm]);
    }

    /// A token by this key and with these words.
    pub(crate) fn token(&self, key: &str, words: &[&str]) -> String {
        made(&[&["token", "--key", &self.arg(key)], words].concat()).trim_end().to_owned()
    }
}

/// What a command that works prints.
#[track_caller]
pub(crate) fn made(arguments: &[&str]) -> String {
    let output = inference(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that makes nothing says.
#[track_caller]
pub(crate) fn refused(arguments: &[&str]) -> String {
    let output = inference(arguments);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()));
    stderr(&output)
}

/// What a token says in its header.
pub(crate) fn header_of(token: &str) -> Value {
    part(token.split('.').next().unwrap())
}

/// What a token claims.
pub(crate) fn claims_of(token: &str) -> Value {
    part(token.split('.').nth(1).unwrap())
}

fn part(encoded: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}
