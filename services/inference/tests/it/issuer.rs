//! An issuer of tokens: has a key of any kind and signs with it.

use inference::dev::DevKey;
use inference::identity::SigningAlgorithm;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

/// What HS256 tokens are signed with.
pub(crate) const SECRET: &[u8] = b"thirty-two bytes that nobody has";

pub(crate) struct Issuer {
    pub(crate) algorithm: Algorithm,
    key: DevKey,
}

impl Issuer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        inference::crypto::install_provider();
        let key = match algorithm {
            Algorithm::HS256 => DevKey::from_secret(SECRET),
            Algorithm::RS256 => DevKey::generate_for(SigningAlgorithm::Rs256),
            Algorithm::PS256 => DevKey::generate_for(SigningAlgorithm::Ps256),
            Algorithm::ES256 => DevKey::generate_for(SigningAlgorithm::Es256),
            Algorithm::ES384 => DevKey::generate_for(SigningAlgorithm::Es384),
            Algorithm::EdDSA => DevKey::generate(),
            other => panic!("no keys for {other:?}"),
        };
        Self { algorithm, key: key.unwrap() }
    }

    /// What the service is given: the public key as PEM, or the secret.
    pub(crate) fn key_file(&self) -> &[u8] {
        self.key.verification_file().as_bytes()
    }

    /// The public key under this name, as one of a JWK Set.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        json!(self.key.jwk(kid).unwrap())
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(|_| {}, claims)
    }

    /// With a header that is `change`d.
    pub(crate) fn sign_as(&self, change: impl FnOnce(&mut Header), claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        change(&mut header);
        self.key.sign(&header, claims).unwrap()
    }
}
