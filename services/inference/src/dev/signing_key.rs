//! A key that signs development tokens: made, or read from a file that was made. Keeps it in memory only.

use std::str::from_utf8;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    SignatureAlgorithm,
};
use serde::Serialize;
use strum::IntoEnumIterator as _;

use crate::identity::{
    Clock, IdentityConfig, KeyError, KeySet, SigningAlgorithm, VerificationKey, secret_in,
};

/// How long the token of development mode lasts: a working day and the night after it.
const TOKEN_SECONDS: u64 = 24 * 60 * 60;

/// Bytes of randomness in a secret: the size of the hash (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// Why there is no development key, or no token.
#[derive(Debug, thiserror::Error)]
pub enum DevKeyError {
    /// The system gave no randomness, or the key could not be written out.
    #[error("no development key could be made: the system gave no randomness")]
    Generate(#[from] aws_lc_rs::error::Unspecified),
    /// The pair could not be made.
    #[error("no development key could be made: {0}")]
    Pair(#[from] rcgen::Error),
    /// A file with something else in it.
    #[error(
        "not a private key; expected PEM as `inference keys signing` writes it (`-----BEGIN PRIVATE KEY-----`), or \
         with --algorithm HS256 a secret"
    )]
    NotPrivate,
    /// A key that is not used with the algorithm that was asked for.
    #[error("the key signs with {own:?}; --algorithm is {asked:?}")]
    WrongAlgorithm {
        /// The key's own.
        own: Algorithm,
        /// What was asked for.
        asked: Algorithm,
    },
    /// A key that cannot be checked with.
    #[error(transparent)]
    Verification(#[from] KeyError),
    /// Signing failed.
    #[error("no development token could be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// Header or claims cannot be written as JSON.
    #[error("no development token could be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// A key that signs, and the one that its signatures are checked with.
pub struct DevKey {
    algorithm: SigningAlgorithm,
    signing: EncodingKey,
    verification: VerificationKey,
    files: KeyFiles,
}

/// What is written of a key.
#[derive(Clone)]
pub(super) enum KeyFiles {
    /// Both in PEM.
    Pair { private: String, public: String },
    /// Text.
    Secret(String),
}

impl std::fmt::Debug for DevKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DevKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
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
    /// Makes the key of one run of the service. Ed25519, because it is made in microseconds.
    ///
    /// # Errors
    /// [`DevKeyError::Generate`] where the system has no randomness.
    pub fn generate() -> Result<Self, DevKeyError> {
        Self::generate_for(SigningAlgorithm::EdDsa)
    }

    /// Makes a key for `algorithm`.
    ///
    /// # Errors
    /// [`DevKeyError::Generate`] or [`DevKeyError::Pair`] where the system has no randomness.
    pub fn generate_for(algorithm: SigningAlgorithm) -> Result<Self, DevKeyError> {
        let pair = match kind(algorithm) {
            None => {
                let mut secret = [0; SECRET_BYTES];
                aws_lc_rs::rand::fill(&mut secret)?;
                return Self::from_secret(BASE64_URL_SAFE_NO_PAD.encode(secret).as_bytes());
            }
            // rcgen writes version 2 of PKCS #8, which OpenSSL does not read (RFC 5958 §2).
            Some(kind) if *kind == PKCS_ED25519 => {
                KeyPair::try_from(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref())?
            }
            Some(kind) => KeyPair::generate_for(kind)?,
        };
        Self::from_pair(&pair, algorithm)
    }

    /// The private key in `file`, which is PEM, or with HS256 the secret that `file` is. A pair of RSA keys signs with
    /// RS256 where nothing else is asked for.
    ///
    /// # Errors
    /// [`DevKeyError`], which says what would be right.
    pub fn from_file(file: &[u8], asked: Option<SigningAlgorithm>) -> Result<Self, DevKeyError> {
        if asked == Some(SigningAlgorithm::Hs256) {
            return Self::from_secret(file);
        }
        let text = from_utf8(file).map_err(|_| DevKeyError::NotPrivate)?;
        let pair = KeyPair::from_pem(text).map_err(|_| DevKeyError::NotPrivate)?;
        let fits = |algorithm: &SigningAlgorithm| kind(*algorithm) == Some(pair.algorithm());
        let own = SigningAlgorithm::iter().find(fits).ok_or(DevKeyError::NotPrivate)?;
        match asked {
            Some(asked) if !fits(&asked) => {
                Err(DevKeyError::WrongAlgorithm { own: own.into(), asked: asked.into() })
            }
            _ => Self::from_pair(&pair, asked.unwrap_or(own)),
        }
    }

    /// The secret that issuer and service share, as both read it from a file.
    ///
    /// # Errors
    /// [`DevKeyError::Verification`] where it is too short.
    pub fn from_secret(file: &[u8]) -> Result<Self, DevKeyError> {
        Ok(Self {
            algorithm: SigningAlgorithm::Hs256,
            signing: EncodingKey::from_secret(secret_in(file)),
            verification: VerificationKey::from_secret(file)?,
            files: KeyFiles::Secret(String::from_utf8_lossy(file).into_owned()),
        })
    }

    fn from_pair(pair: &KeyPair, algorithm: SigningAlgorithm) -> Result<Self, DevKeyError> {
        let (private, public) = (pair.serialize_pem(), pair.public_key_pem());
        let signing = match algorithm {
            SigningAlgorithm::Es256 | SigningAlgorithm::Es384 => EncodingKey::from_ec_pem(private.as_bytes()),
            SigningAlgorithm::EdDsa => EncodingKey::from_ed_pem(private.as_bytes()),
            _ => EncodingKey::from_rsa_pem(private.as_bytes()),
        };
        Ok(Self {
            algorithm,
            signing: signing?,
            verification: VerificationKey::from_pem(public.as_bytes())?,
            files: KeyFiles::Pair { private, public },
        })
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// What signatures are checked with: the public half, or the secret.
    #[must_use]
    pub fn verification(&self) -> KeySet {
        self.verification.clone().into()
    }

    /// The public half as one of a JWK Set.
    ///
    /// # Errors
    /// [`DevKeyError::Verification`] for a secret.
    pub fn jwk(&self, kid: &str) -> Result<Jwk, DevKeyError> {
        Ok(self.verification.to_jwk(kid, self.algorithm)?)
    }

    pub(super) fn into_verification_key(self) -> VerificationKey {
        self.verification
    }

    /// What a service is given to check with, as a file: the public half in PEM, or the secret.
    #[must_use]
    pub fn verification_file(&self) -> &str {
        match &self.files {
            KeyFiles::Pair { public, .. } => public,
            KeyFiles::Secret(secret) => secret,
        }
    }

    pub(super) const fn files(&self) -> &KeyFiles {
        &self.files
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
        self.sign(&Header::new(self.algorithm.into()), &claims)
    }

    /// Any header and any claims, signed with this key's own algorithm whatever the header says.
    ///
    /// # Errors
    /// [`DevKeyError::Json`] or [`DevKeyError::Sign`].
    pub fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> Result<String, DevKeyError> {
        let header = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(header)?);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
        let message = format!("{header}.{claims}");
        let algorithm = Algorithm::from(self.algorithm);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.signing, algorithm)?;
        Ok(format!("{message}.{signature}"))
    }
}

/// The pair that an algorithm needs; none for the one that needs a secret.
const fn kind(algorithm: SigningAlgorithm) -> Option<&'static SignatureAlgorithm> {
    match algorithm {
        SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => Some(&PKCS_RSA_SHA256),
        SigningAlgorithm::Es256 => Some(&PKCS_ECDSA_P256_SHA256),
        SigningAlgorithm::Es384 => Some(&PKCS_ECDSA_P384_SHA384),
        SigningAlgorithm::EdDsa => Some(&PKCS_ED25519),
        SigningAlgorithm::Hs256 => None,
    }
}
