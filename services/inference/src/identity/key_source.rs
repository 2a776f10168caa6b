//! Where the keys of the issuer come from. The only place of identity that reads files; checks nothing.

use std::fmt::{self, Display};
use std::path::PathBuf;

use super::{IdentityConfig, KeyError, KeySet, SigningAlgorithm, VerificationKey};

/// A file with keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// PEM with one public key.
    PublicKey(PathBuf),
    /// The secret that issuer and service share.
    Secret(PathBuf),
    /// A JWK Set.
    Jwks(PathBuf),
}

/// Why a source gave no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// A file that cannot be read.
    #[error("{from}: cannot be read: {source}")]
    Unreadable {
        /// The setting and the file.
        from: KeySource,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file without a key that can be used.
    #[error("{from}: {source}")]
    Unusable {
        /// The setting and the file.
        from: KeySource,
        /// What would be right.
        source: KeyError,
    },
}

/// The setting and its value, as they were given.
impl Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (setting, path) = match self {
            Self::PublicKey(path) => ("--jwt-public-key", path),
            Self::Secret(path) => ("--jwt-secret", path),
            Self::Jwks(path) => ("--jwks", path),
        };
        write!(formatter, "{setting} {}", path.display())
    }
}

impl KeySource {
    /// The one source that `config` names; the command line takes no second.
    #[must_use]
    pub fn of(config: &IdentityConfig) -> Option<Self> {
        let IdentityConfig { jwt_public_key, jwt_secret, jwks, .. } = config;
        let public_key = jwt_public_key.clone().map(Self::PublicKey);
        public_key.or_else(|| jwt_secret.clone().map(Self::Secret)).or_else(|| jwks.clone().map(Self::Jwks))
    }

    /// Reads the keys, of which those are kept that sign with one of the `allowed` algorithms.
    ///
    /// # Errors
    /// [`KeySourceError`], which names the setting and what would be right.
    pub fn load(&self, allowed: &[SigningAlgorithm]) -> Result<KeySet, KeySourceError> {
        let (Self::PublicKey(path) | Self::Secret(path) | Self::Jwks(path)) = self;
        let bytes = std::fs::read(path)
            .map_err(|source| KeySourceError::Unreadable { from: self.clone(), source })?;
        let keys = match self {
            Self::PublicKey(_) => {
                VerificationKey::from_pem(&bytes).and_then(|key| KeySet::new(vec![key], allowed))
            }
            Self::Secret(_) => {
                VerificationKey::from_secret(&bytes).and_then(|key| KeySet::new(vec![key], allowed))
            }
            Self::Jwks(_) => KeySet::from_jwks(&bytes, allowed),
        };
        keys.map_err(|source| KeySourceError::Unusable { from: self.clone(), source })
    }
}
