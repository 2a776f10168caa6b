//! A key that tokens are checked with, in each of the forms that keys come in. The key decides the algorithm, never
//! the token (RFC 8725 §3.1). Reads no file and fetches nothing.

use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use strum::IntoEnumIterator as _;

/// Shortest secret that HS256 may have, in bytes: the size of the hash (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// Bytes of an uncompressed point (SEC 1 §2.3.3): what tells one curve from another once a key was read.
const P256_POINT_BYTES: usize = 65;
const P384_POINT_BYTES: usize = 97;

/// An algorithm that tokens may be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, strum::EnumIter)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[value(name = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[value(name = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[value(name = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[value(name = "ES384")]
    Es384,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
    /// HMAC with SHA-256, from a secret that issuer and service share.
    #[value(name = "HS256")]
    Hs256,
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Rs256 => Self::RS256,
            SigningAlgorithm::Ps256 => Self::PS256,
            SigningAlgorithm::Es256 => Self::ES256,
            SigningAlgorithm::Es384 => Self::ES384,
            SigningAlgorithm::EdDsa => Self::EdDSA,
            SigningAlgorithm::Hs256 => Self::HS256,
        }
    }
}

/// Why there is no key that tokens can be checked with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A PEM file with something else in it.
    #[error(
        "not a public key; expected PEM with an RSA, P-256, P-384 or Ed25519 public key (`-----BEGIN PUBLIC KEY-----`)"
    )]
    NotPem,
    /// A secret that can be guessed.
    #[error("the secret has {got} bytes; expected at least {SECRET_BYTES} (RFC 7518 §3.2), made at random")]
    ShortSecret {
        /// Its length.
        got: usize,
    },
    /// A file that is no JWK Set.
    #[error("not a JWK Set (RFC 7517 §5): {0}; expected {{\"keys\":[…]}}")]
    NotJwks(serde_json::Error),
    /// A key that cannot stand in a JWK Set under this algorithm.
    #[error("no public key for {0:?}; expected one with its own algorithm, and never a secret")]
    NotPublished(Algorithm),
    /// A JWK Set, or an algorithm setting, that leaves nothing to check with.
    #[error("of {keys} keys none is for signatures with an allowed algorithm ({allowed})")]
    NoUsableKey {
        /// How many keys there are.
        keys: usize,
        /// The allowed algorithms.
        allowed: String,
    },
}

/// A key, its name and the algorithms it is used with.
#[derive(Clone)]
pub struct VerificationKey {
    pub(super) id: Option<String>,
    key: DecodingKey,
    pub(super) algorithms: Vec<Algorithm>,
}

/// Equal are keys that accept the same tokens.
impl PartialEq for VerificationKey {
    fn eq(&self, other: &Self) -> bool {
        use DecodingKeyKind::{RsaModulusExponent as Rsa, SecretOrDer as Bytes};
        let same_key = match (self.key.kind(), other.key.kind()) {
            (Bytes(one), Bytes(other)) => one == other,
            (Rsa { n, e }, Rsa { n: other_n, e: other_e }) => (n, e) == (other_n, other_e),
            _ => false,
        };
        same_key && self.id == other.id && self.algorithms == other.algorithms
    }
}

impl Eq for VerificationKey {}

impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, algorithms, key: _ } = self;
        let mut debug = formatter.debug_struct("VerificationKey");
        debug.field("id", id).field("algorithms", algorithms).finish_non_exhaustive()
    }
}

impl VerificationKey {
    /// The public key in `pem`.
    ///
    /// # Errors
    /// [`KeyError::NotPem`] where `pem` holds something else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let rsa =
            || DecodingKey::from_rsa_pem(pem).map(|key| (key, vec![Algorithm::RS256, Algorithm::PS256]));
        let ed = || DecodingKey::from_ed_pem(pem).map(|key| (key, vec![Algorithm::EdDSA]));
        let ec = || DecodingKey::from_ec_pem(pem).ok().and_then(|key| Some((curve(&key)?, key)));
        let ec = || ec().map(|(algorithm, key)| (key, vec![algorithm])).ok_or(KeyError::NotPem);
        let (key, algorithms) = rsa().or_else(|_| ed()).or_else(|_| ec())?;
        Ok(Self { id: None, key, algorithms })
    }

    /// The secret that issuer and service share, as a file holds it: a line break at its end is not part of it.
    ///
    /// # Errors
    /// [`KeyError::ShortSecret`].
    pub fn from_secret(file: &[u8]) -> Result<Self, KeyError> {
        let secret = secret_in(file);
        if secret.len() < SECRET_BYTES {
            return Err(KeyError::ShortSecret { got: secret.len() });
        }
        Ok(Self { id: None, key: DecodingKey::from_secret(secret), algorithms: vec![Algorithm::HS256] })
    }

    /// `None` for a key that is not for signatures, or not of a kind that is known (RFC 7517 §5 has them ignored). A
    /// secret in a JWK Set is one that was published, and no key.
    pub(super) fn from_jwk(jwk: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let common = &jwk.common;
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !verifies
            || common.public_key_use.as_ref().is_some_and(|for_what| *for_what != PublicKeyUse::Signature)
        {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => vec![Algorithm::RS256, Algorithm::PS256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                vec![Algorithm::ES256]
            }
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => {
                vec![Algorithm::ES384]
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                vec![Algorithm::EdDSA]
            }
            _ => return None,
        };
        if let Some(algorithm) = common.key_algorithm {
            let named = Algorithm::from_str(&algorithm.to_string()).ok();
            algorithms.retain(|own| Some(*own) == named);
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: common.key_id.clone(), key, algorithms })
    }

    /// The key as one of a JWK Set (RFC 7517 §4), by this name and for signatures with `algorithm`.
    ///
    /// # Errors
    /// [`KeyError::NotPublished`] for another algorithm than the key's, and for a secret.
    pub fn to_jwk(&self, id: &str, algorithm: SigningAlgorithm) -> Result<Jwk, KeyError> {
        let own = Algorithm::from(algorithm);
        let refused = || KeyError::NotPublished(own);
        if own == Algorithm::HS256 || !self.algorithms.contains(&own) {
            return Err(refused());
        }
        let mut jwk = Jwk::from_decoding_key(&self.key, Some(own)).map_err(|_| refused())?;
        jwk.common.key_id = Some(id.to_owned());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(jwk)
    }

    /// The algorithms that it is used with.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = SigningAlgorithm> {
        SigningAlgorithm::iter().filter(|one| self.algorithms.contains(&Algorithm::from(*one)))
    }

    /// What a token is checked with.
    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.key
    }
}

/// The secret in a file: a line break at its end, as editors leave it, is not part of it.
pub(crate) fn secret_in(file: &[u8]) -> &[u8] {
    file.strip_suffix(b"\n").map_or(file, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn curve(key: &DecodingKey) -> Option<Algorithm> {
    match key.try_get_as_bytes().ok()?.len() {
        P256_POINT_BYTES => Some(Algorithm::ES256),
        P384_POINT_BYTES => Some(Algorithm::ES384),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn rsa(modulus: &str) -> VerificationKey {
        VerificationKey::from_jwk(json!({"kty": "RSA", "n": modulus, "e": "AQAB"})).unwrap()
    }

    #[rstest]
    #[case::rsa(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}), &[SigningAlgorithm::Rs256, SigningAlgorithm::Ps256])]
    #[case::rsa_for_one(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "PS256"}), &[SigningAlgorithm::Ps256])]
    #[case::p256(json!({"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"}), &[SigningAlgorithm::Es256])]
    #[case::p384(json!({"kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB"}), &[SigningAlgorithm::Es384])]
    #[case::p521(json!({"kty": "EC", "crv": "P-521", "x": "AQAB", "y": "AQAB"}), &[])]
    #[case::ed25519(json!({"kty": "OKP", "crv": "Ed25519", "x": "AQAB"}), &[SigningAlgorithm::EdDsa])]
    #[case::another_curve_of_its_kind(json!({"kty": "OKP", "crv": "P-256", "x": "AQAB"}), &[])]
    #[case::secret(json!({"kty": "oct", "k": "AQAB"}), &[])]
    fn the_kind_and_the_curve_of_a_key_decide_its_algorithms(
        #[case] jwk: Value,
        #[case] algorithms: &[SigningAlgorithm],
    ) {
        crate::crypto::install_provider();
        let key = VerificationKey::from_jwk(jwk);
        let found: Vec<_> = key.iter().flat_map(VerificationKey::algorithms).collect();
        assert_eq!(found, algorithms);
    }

    #[test]
    fn an_rsa_key_is_equal_to_itself_and_to_no_other() {
        crate::crypto::install_provider();
        assert_eq!(rsa("AQAB"), rsa("AQAB"));
        assert_ne!(rsa("AQAB"), rsa("AQAC"));
    }

    #[test]
    fn neither_a_secret_nor_a_key_of_another_algorithm_is_published() {
        crate::crypto::install_provider();
        let secret = VerificationKey::from_secret(&[7; SECRET_BYTES]).unwrap();
        for (key, algorithm) in [(secret, SigningAlgorithm::Hs256), (rsa("AQAB"), SigningAlgorithm::Es256)] {
            assert!(matches!(key.to_jwk("a", algorithm), Err(KeyError::NotPublished(_))), "{algorithm:?}");
        }
    }
}
