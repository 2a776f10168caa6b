//! `inference keys jwks`: the JWK Set that an issuer with these keys would publish. Never prints a private part.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{DevError, DevKey, DevKeyError, read};
use crate::identity::{SigningAlgorithm, VerificationKey};

/// Keys to publish.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Jwks {
    /// PEM with a public key, or a private one of which the public half is taken; its name without `.pub.pem` or
    /// `.key.pem` is its `kid`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What RSA keys among them sign with
    #[arg(long, value_name = "RS256|PS256", ignore_case = true, default_value = "RS256",
          value_parser = clap::value_parser!(SigningAlgorithm))]
    rsa: SigningAlgorithm,
}

impl Jwks {
    pub(super) fn run(&self) -> Result<String, DevError> {
        let keys = self.files.iter().map(|path| {
            let key =
                public_key(&read(path)?).map_err(|source| DevError::Key { path: path.clone(), source })?;
            let of_rsa = key.algorithms().find(|algorithm| *algorithm == self.rsa);
            // Every key that was read has one.
            let algorithm = of_rsa.or_else(|| key.algorithms().next()).unwrap_or(self.rsa);
            key.to_jwk(&key_name(path), algorithm)
                .map_err(|source| DevError::Key { path: path.clone(), source: source.into() })
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(serde_json::to_string_pretty(&json!({ "keys": keys }))?)
    }
}

fn public_key(pem: &[u8]) -> Result<VerificationKey, DevKeyError> {
    match DevKey::from_file(pem, None) {
        Ok(private) => Ok(private.into_verification_key()),
        Err(_) => Ok(VerificationKey::from_pem(pem)?),
    }
}

/// What a key is called by the name of its file: `new` for `keys/new.pub.pem`.
pub(super) fn key_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = [".pub.pem", ".key.pem", ".pem", ".secret"].iter().find_map(|end| name.strip_suffix(end));
    stem.unwrap_or(&name).to_owned()
}
