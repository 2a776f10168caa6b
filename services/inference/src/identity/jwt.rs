//! Checks a JSON Web Token against the service's keys. Knows no header of HTTP and keeps nothing.

use std::sync::Arc;

use arc_swap::Guard;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use serde::Deserialize;

use super::jose_header::JoseHeader;
use super::key_set::KeyNumber;
use super::{Clock, Identity, IdentityConfig, KeySet, KeyStore, Refusal};
use crate::admission::{Class, Classes};

/// Longest token that is looked at, in bytes: several times what identity providers issue.
const TOKEN_BYTES: usize = 8 * 1024;

/// A token whose signature and claims were right, with the times between which it stays so.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who it names.
    pub identity: Identity,
    /// Thumbprint of the one certificate that it may come with (RFC 8705 §3.1); `None`: with any, and without.
    pub bound_to: Option<[u8; 32]>,
    /// The key that its signature is of.
    pub(super) key: KeyNumber,
    expires: u64,
    not_before: u64,
}

impl Verified {
    /// Looks at the times again.
    ///
    /// # Errors
    /// [`Refusal::Expired`] or [`Refusal::NotYetValid`].
    pub fn check_times(&self, now: u64, leeway: u64) -> Result<(), Refusal> {
        if self.expires.saturating_add(leeway) <= now {
            return Err(Refusal::Expired);
        }
        if self.not_before > now.saturating_add(leeway) {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }
}

/// The registered claims that are looked at (RFC 7519 §4.1); issuer and audience are the library's.
#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: f64,
    #[serde(default)]
    nbf: f64,
    cnf: Option<Confirmation>,
    /// What may say the quota class.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// The proof of possession that a token asks for (RFC 7800 §3.1); members that are not known are to be ignored.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
}

impl Confirmation {
    fn thumbprint(self) -> Result<Option<[u8; 32]>, Refusal> {
        let Some(encoded) = self.certificate else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refusal::Malformed)?;
        bytes.try_into().map(Some).map_err(|_| Refusal::Malformed)
    }
}

/// Checks tokens with the keys that are valid now.
#[derive(Debug)]
pub struct Verifier {
    keys: KeyStore,
    /// What is asked of the claims; the algorithm is the token's, once the key was found to be used with it.
    claims: Validation,
    leeway: u64,
    clock: Clock,
    classes: Arc<Classes>,
}

impl Verifier {
    /// Checks with `keys`, a store or a set that stays as it is, what `config` asks of a token, at the time that `clock`
    /// tells.
    #[must_use]
    pub fn new(keys: impl Into<KeyStore>, config: &IdentityConfig, clock: Clock) -> Self {
        let mut claims = Validation::default();
        claims.set_issuer(&[&config.jwt_issuer]);
        claims.set_audience(&[&config.jwt_audience]);
        claims.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The library reads the machine's clock; ours is injected, and the cache looks at the same times again.
        claims.validate_exp = false;
        claims.validate_nbf = false;
        Self {
            keys: keys.into(),
            claims,
            leeway: config.jwt_leeway.as_secs(),
            clock,
            classes: Arc::default(),
        }
    }

    /// Puts whom a token names into one of `classes`.
    #[must_use]
    pub fn with_classes(self, classes: Arc<Classes>) -> Self {
        Self { classes, ..self }
    }

    /// Seconds since the epoch, by this verifier's clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The quota class of whom a certificate names.
    #[must_use]
    pub fn class_of(&self, subject: &str) -> Class {
        self.classes.class_of(subject, &serde_json::Map::new())
    }

    /// Leeway in seconds.
    #[must_use]
    pub fn leeway(&self) -> u64 {
        self.leeway
    }

    /// The keys that tokens are checked with at `now`.
    ///
    /// # Errors
    /// [`Refusal::KeysStale`].
    pub(super) fn keys(&self, now: u64) -> Result<Guard<Arc<KeySet>>, Refusal> {
        self.keys.at(now)
    }

    /// Where a token names a key that is not there: whether to check it again, after a bounded wait for newer keys.
    pub(super) async fn renewed(&self) -> bool {
        self.keys.renewed().await
    }

    /// Checks signature and claims of `token`.
    ///
    /// # Errors
    /// The [`Refusal`] that says what is wrong first.
    pub fn verify(&self, token: &str) -> Result<Verified, Refusal> {
        let now = self.now();
        let keys = self.keys(now)?;
        self.verify_with(&keys, token, now)
    }

    /// The same with keys that were looked up already.
    pub(super) fn verify_with(&self, keys: &KeySet, token: &str, now: u64) -> Result<Verified, Refusal> {
        if token.len() > TOKEN_BYTES {
            return Err(Refusal::TooLarge);
        }
        let header = JoseHeader::of(token)?;
        let (number, key) = keys.choose(&header)?;
        let validation = Validation { algorithms: vec![header.algorithm], ..self.claims.clone() };
        let decoded = jsonwebtoken::decode::<Claims>(token, key.decoding(), &validation);
        let claims = decoded.map_err(|error| refusal(error.kind()))?.claims;
        let subject = claims.sub.filter(|subject| !subject.is_empty()).ok_or(Refusal::NoSubject)?;
        let class = self.classes.class_of(&subject, &claims.others);
        let verified = Verified {
            identity: Identity { subject: Arc::from(subject), class },
            bound_to: claims.cnf.map_or(Ok(None), Confirmation::thumbprint)?,
            key: number,
            expires: seconds(claims.exp),
            not_before: seconds(claims.nbf),
        };
        verified.check_times(now, self.leeway)?;
        Ok(verified)
    }
}

/// A `NumericDate` may have a fraction (RFC 7519 §2); the token is over when its last whole second is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer saturates; NaN is 0"
)]
fn seconds(date: f64) -> u64 {
    date as u64
}

fn refusal(error: &ErrorKind) -> Refusal {
    match error {
        ErrorKind::InvalidSignature => Refusal::BadSignature,
        ErrorKind::InvalidIssuer => Refusal::WrongIssuer,
        ErrorKind::InvalidAudience => Refusal::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => Refusal::WrongIssuer,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Refusal::WrongAudience,
        _ => Refusal::Malformed,
    }
}
