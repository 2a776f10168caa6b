//! Development mode: a signing key that lives as long as the process, a token that works, a request to paste. Never
//! used in production mode.

use std::net::SocketAddr;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::identity::{Clock, IdentityConfig, KeySet, VerificationKey};
use crate::model::{GoldenAnswers, GoldenRow};

/// How long a development token lasts: a working day and the night after it.
const TOKEN_SECONDS: u64 = 24 * 60 * 60;

/// Why there is no development key.
#[derive(Debug, thiserror::Error)]
pub enum DevKeyError {
    /// The system gave no randomness, or the key could not be written out.
    #[error("no development key could be made: the system gave no randomness")]
    Generate(#[from] aws_lc_rs::error::Unspecified),
    /// Signing failed.
    #[error("no development token could be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// A key pair made at the start. Ed25519, because it is made in microseconds.
pub struct DevKey {
    signing: EncodingKey,
    verification: KeySet,
}

impl std::fmt::Debug for DevKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DevKey").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
}

impl DevKey {
    /// Makes a new key pair.
    ///
    /// # Errors
    /// [`DevKeyError::Generate`] where the system has no randomness.
    pub fn generate() -> Result<Self, DevKeyError> {
        let pair = Ed25519KeyPair::generate()?;
        let pkcs8 = pair.to_pkcs8v1()?;
        Ok(Self {
            signing: EncodingKey::from_ed_der(pkcs8.as_ref()),
            verification: VerificationKey::from_ed25519(pair.public_key().as_ref()).into(),
        })
    }

    /// The public half.
    #[must_use]
    pub fn verification(&self) -> KeySet {
        self.verification.clone()
    }

    /// A token for `subject` that `config` accepts for a day.
    ///
    /// # Errors
    /// [`DevKeyError::Sign`].
    pub fn token(
        &self,
        subject: &str,
        config: &IdentityConfig,
        clock: &Clock,
    ) -> Result<String, DevKeyError> {
        let now = clock.now();
        let (iss, aud) = (config.jwt_issuer.as_str(), config.jwt_audience.as_str());
        let claims = Claims { iss, aud, sub: subject, iat: now, exp: now.saturating_add(TOKEN_SECONDS) };
        self.sign(&Header::new(Algorithm::EdDSA), &claims)
    }

    /// Any claims, signed.
    ///
    /// # Errors
    /// [`DevKeyError::Sign`].
    pub fn sign(&self, header: &Header, claims: &impl Serialize) -> Result<String, DevKeyError> {
        Ok(jsonwebtoken::encode(header, claims, &self.signing)?)
    }
}

/// A request to paste into a shell: a flight that will be late, if the model knows one. With TLS the service's own
/// certificate, in a file, is what the request trusts.
#[must_use]
pub fn curl(api: SocketAddr, certificate: Option<&Path>, token: &str, golden: &GoldenAnswers) -> String {
    let late = golden.rows().iter().find(|row| row.class == 1).or_else(|| golden.rows().first());
    let array = late.map(|GoldenRow { array, .. }| array.as_slice()).unwrap_or_default();
    let array = array.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
    let url = match certificate {
        None => format!("http://{api}/api"),
        Some(file) => {
            format!("--cacert '{}' https://{api}/api", file.display().to_string().replace('\'', r"'\''"))
        }
    };
    format!(
        "curl --silent --show-error {url} \\\n  \
         --header 'Authorization: Bearer {token}' \\\n  \
         --header 'Content-Type: application/json' \\\n  \
         --data '{{\"array\":[{array}]}}'"
    )
}
