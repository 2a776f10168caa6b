//! `inference token`: a token with any header and any claims, right by default. Verifies nothing: what is wrong with a
//! token is for the service to say.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::certificates::certificate;
use super::jwks::key_name;
use super::{DevError, DevKey, Where, read};
use crate::identity::{Clock, SigningAlgorithm};

const EXAMPLES: &str = "\
Examples:
  inference token --key dev/es256.key.pem --subject acme --claim tier=gold
  inference token --key dev/es256.key.pem --bound-to dev/client.pem
Tokens that a service must refuse:
  inference token --key dev/es256.key.pem --expires-in=-1h
  inference token --key dev/es256.key.pem --claim sub=null --header 'crit=[\"b64\"]'
  inference token --key dev/rs256.pub.pem --algorithm HS256      the public key as a secret";

/// What the token says.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TokenRequest {
    #[command(flatten)]
    at: Where,
    /// PEM with the private key; with --algorithm HS256 any file, whose bytes are the secret
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What to sign with; without it, what the key is for, RS256 for one of RSA
    #[arg(long, value_enum, ignore_case = true)]
    algorithm: Option<SigningAlgorithm>,
    /// The name of the key; without it, that of its file, as `inference keys jwks` has it
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
    /// Whom it names
    #[arg(long, value_name = "SUBJECT", default_value = "developer")]
    subject: String,
    /// Who issued it
    #[arg(long, env = "INFERENCE_JWT_ISSUER", value_name = "ISSUER", default_value = "puntual-development")]
    issuer: String,
    /// For whom it is
    #[arg(long, env = "INFERENCE_JWT_AUDIENCE", value_name = "AUDIENCE", default_value = "puntual")]
    audience: String,
    /// When it ends, from now on; with a minus sign it ended before
    #[arg(long, value_name = "[-]DURATION", default_value = "1h", allow_hyphen_values = true)]
    expires_in: FromNow,
    /// From when on it is valid, from now on
    #[arg(long, value_name = "[-]DURATION", allow_hyphen_values = true)]
    not_before_in: Option<FromNow>,
    /// Adds or replaces a claim: JSON, or what is none as a text; `null` takes the claim out
    #[arg(long = "claim", value_name = "NAME=JSON")]
    claims: Vec<Member>,
    /// Adds, replaces or takes out a member of the header in the same way
    #[arg(long = "header", value_name = "NAME=JSON")]
    headers: Vec<Member>,
    /// PEM of the client certificate that it may only come with (RFC 8705 §3.1)
    #[arg(long, value_name = "FILE")]
    bound_to: Option<PathBuf>,
}

/// A time from now on, or before now.
#[derive(Debug, Clone, Copy)]
struct FromNow {
    before: bool,
    by: Duration,
}

impl FromStr for FromNow {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let before = text.strip_prefix('-');
        Ok(Self { before: before.is_some(), by: humantime::parse_duration(before.unwrap_or(text))? })
    }
}

impl FromNow {
    const fn since(self, now: u64) -> u64 {
        let by = self.by.as_secs();
        if self.before { now.saturating_sub(by) } else { now.saturating_add(by) }
    }
}

/// A member of a JSON object.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    value: Value,
}

impl FromStr for Member {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=JSON")?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(Self { name: name.to_owned(), value })
    }
}

impl TokenRequest {
    pub(super) fn mint(&self) -> Result<String, DevError> {
        self.at.check()?;
        let key = DevKey::from_file(&read(&self.key)?, self.algorithm)
            .map_err(|source| DevError::Key { path: self.key.clone(), source })?;
        Ok(key.sign(&self.header(&key), &self.claims(Clock::System.now())?)?)
    }

    fn header(&self, key: &DevKey) -> Value {
        let kid = self.kid.clone().unwrap_or_else(|| key_name(&self.key));
        changed(json!({ "typ": "JWT", "alg": Algorithm::from(key.algorithm()), "kid": kid }), &self.headers)
    }

    fn claims(&self, now: u64) -> Result<Value, DevError> {
        let not_before = self.not_before_in.map(|from_now| from_now.since(now));
        let bound_to = self.bound_to.as_deref().map(thumbprint).transpose()?;
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject,
            "iat": now,
            "exp": self.expires_in.since(now),
            "nbf": not_before,
            "cnf": bound_to.map(|thumbprint| json!({ "x5t#S256": thumbprint })),
        });
        Ok(changed(claims, &self.claims))
    }
}

/// SHA-256 of the certificate's DER, as a token names it.
fn thumbprint(path: &Path) -> Result<String, DevError> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate(path)?)))
}

/// `members` with those of `changes`, and without those that are null.
fn changed(members: Value, changes: &[Member]) -> Value {
    let Value::Object(mut members) = members else { return members };
    members.extend(changes.iter().map(|Member { name, value }| (name.clone(), value.clone())));
    members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
}
