//! An issuer of tokens: makes keys of every kind and signs with them.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// What HS256 tokens are signed with.
pub(crate) const SECRET: &[u8] = b"thirty-two bytes that nobody has";

pub(crate) struct Issuer {
    pub(crate) algorithm: Algorithm,
    signing: EncodingKey,
    public_pem: Option<String>,
}

impl Issuer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        inference::crypto::install_provider();
        let (private, public) = match algorithm {
            Algorithm::HS256 => {
                return Self { algorithm, signing: EncodingKey::from_secret(SECRET), public_pem: None };
            }
            Algorithm::RS256 | Algorithm::PS256 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
                (pkcs8(&pair), spki(pair.public_key()))
            }
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().unwrap();
                (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), spki(pair.public_key()))
            }
            other => panic!("no keys for {other:?}"),
        };
        let private = pem("PRIVATE KEY", &private);
        let signing = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => EncodingKey::from_rsa_pem(private.as_bytes()),
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(private.as_bytes()),
            _ => EncodingKey::from_ed_pem(private.as_bytes()),
        };
        Self { algorithm, signing: signing.unwrap(), public_pem: Some(pem("PUBLIC KEY", &public)) }
    }

    /// What the service is given: the public key as PEM, or the secret.
    pub(crate) fn key_file(&self) -> &[u8] {
        self.public_pem.as_ref().map_or(SECRET, |pem| pem.as_bytes())
    }

    /// The public key under this name, as one of a JWK Set.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = json!(Jwk::from_encoding_key(&self.signing, self.algorithm).unwrap());
        jwk["kid"] = kid.into();
        jwk
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(|_| {}, claims)
    }

    /// With a header that is `change`d.
    pub(crate) fn sign_as(&self, change: impl FnOnce(&mut Header), claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }
}

fn ecdsa(algorithm: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> (Vec<u8>, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), spki(pair.public_key()))
}

fn pkcs8(pair: &impl AsDer<Pkcs8V1Der<'static>>) -> Vec<u8> {
    pair.as_der().unwrap().as_ref().to_vec()
}

fn spki(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}
