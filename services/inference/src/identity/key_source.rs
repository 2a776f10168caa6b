//! Where the keys of the issuer come from. The only place of identity that reads key files; checks nothing.

use std::fmt::{self, Display};
use std::path::PathBuf;

use super::jwks_client::JwksClient;
use super::{FetchError, IdentityConfig, JwksLocation, KeyError, KeySet, SigningAlgorithm, VerificationKey};
use crate::client::SecureUrl;

/// A file with keys, or the address of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// PEM with one public key.
    PublicKey(PathBuf),
    /// The secret that issuer and service share.
    Secret(PathBuf),
    /// A JWK Set in a file.
    Jwks(PathBuf),
    /// A JWK Set that the issuer publishes.
    JwksUrl(SecureUrl),
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
    /// An address that gave no answer that can be used.
    #[error("{from}: {source}")]
    Unreachable {
        /// The setting and the address.
        from: KeySource,
        /// What came instead.
        source: FetchError,
    },
    /// Something without a key that can be used.
    #[error("{from}: {source}")]
    Unusable {
        /// The setting and its value.
        from: KeySource,
        /// What would be right.
        source: KeyError,
    },
}

impl KeySourceError {
    /// Whether this is a JWK Set as it should be, and no key in it is for us: its owner has withdrawn them.
    pub(super) const fn is_withdrawal(&self) -> bool {
        use KeySource::{Jwks, JwksUrl};
        matches!(self, Self::Unusable { from: Jwks(_) | JwksUrl(_), source: KeyError::NoUsableKey { .. } })
    }
}

/// The setting and its value, as they were given.
impl Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicKey(path) => write!(formatter, "--jwt-public-key {}", path.display()),
            Self::Secret(path) => write!(formatter, "--jwt-secret {}", path.display()),
            Self::Jwks(path) => write!(formatter, "--jwks {}", path.display()),
            Self::JwksUrl(url) => write!(formatter, "--jwks {url}"),
        }
    }
}

impl KeySource {
    /// The one source that `config` names; the command line takes no second.
    #[must_use]
    pub fn of(config: &IdentityConfig) -> Option<Self> {
        let IdentityConfig { jwt_public_key, jwt_secret, jwks, .. } = config;
        let jwks = jwks.clone().map(|location| match location {
            JwksLocation::File(path) => Self::Jwks(path),
            JwksLocation::Url(url) => Self::JwksUrl(url),
        });
        let public_key = jwt_public_key.clone().map(Self::PublicKey);
        public_key.or_else(|| jwt_secret.clone().map(Self::Secret)).or(jwks)
    }
}

/// Reads the keys of a source, again and again.
#[derive(Debug)]
pub(super) struct KeyReader {
    from: KeySource,
    allowed: Vec<SigningAlgorithm>,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Of(PathBuf),
    At(Box<JwksClient>),
}

impl KeyReader {
    /// Reads nothing yet.
    ///
    /// # Errors
    /// [`KeySourceError::Unreachable`] for settings with which no address can be reached.
    pub(super) fn new(from: KeySource, config: &IdentityConfig) -> Result<Self, KeySourceError> {
        let refresh = &config.refresh;
        let bytes = match &from {
            KeySource::PublicKey(path) | KeySource::Secret(path) | KeySource::Jwks(path) => {
                Bytes::Of(path.clone())
            }
            KeySource::JwksUrl(url) => {
                let client = JwksClient::new(url, refresh.jwks_ca.as_deref(), refresh.jwks_timeout);
                let unreachable = |source| KeySourceError::Unreachable { from: from.clone(), source };
                Bytes::At(Box::new(client.map_err(unreachable)?))
            }
        };
        Ok(Self { from, allowed: config.jwt_algorithms.clone(), bytes })
    }

    /// Whether keys come from an address: whether to look costs somebody else, and may fail for a while.
    pub(super) const fn is_remote(&self) -> bool {
        matches!(self.bytes, Bytes::At(_))
    }

    /// Reads the keys, of which those are kept that sign with one of the allowed algorithms.
    ///
    /// # Errors
    /// [`KeySourceError`], which names the setting and what would be right.
    pub(super) async fn read(&self) -> Result<KeySet, KeySourceError> {
        let from = || self.from.clone();
        let bytes = match &self.bytes {
            Bytes::Of(path) => tokio::fs::read(path)
                .await
                .map_err(|source| KeySourceError::Unreadable { from: from(), source })?
                .into(),
            Bytes::At(client) => {
                client.fetch().await.map_err(|source| KeySourceError::Unreachable { from: from(), source })?
            }
        };
        let only = |key| KeySet::new(vec![key], &self.allowed);
        let keys = match &self.from {
            KeySource::PublicKey(_) => VerificationKey::from_pem(&bytes).and_then(only),
            KeySource::Secret(_) => VerificationKey::from_secret(&bytes).and_then(only),
            KeySource::Jwks(_) | KeySource::JwksUrl(_) => KeySet::from_jwks(&bytes, &self.allowed),
        };
        keys.map_err(|source| KeySourceError::Unusable { from: from(), source })
    }
}
