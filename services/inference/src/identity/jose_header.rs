//! The header of a token, before anything of it is believed: what must be refused whatever the signature says.

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::Refusal;

/// What a token's header asks for (RFC 7515 §4.1).
#[derive(Debug)]
pub(super) struct JoseHeader {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    alg: String,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
}

/// Whatever the value is, `null` among them.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

impl JoseHeader {
    /// Reads the first part of `token`.
    ///
    /// # Errors
    /// [`Refusal::Malformed`]; [`Refusal::Unsigned`] for `none` (RFC 8725 §3.2); [`Refusal::EmbeddedKey`] for a token
    /// that brings, or names the place of, its own key (§3.10); [`Refusal::CriticalHeader`] for extensions that must be
    /// understood, of which none is (RFC 7515 §4.1.11); [`Refusal::WrongAlgorithm`] for one that is not known.
    pub(super) fn of(token: &str) -> Result<Self, Refusal> {
        let (encoded, _rest) = token.split_once('.').ok_or(Refusal::Malformed)?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refusal::Malformed)?;
        let fields: Fields = serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)?;
        if fields.alg.eq_ignore_ascii_case("none") {
            return Err(Refusal::Unsigned);
        }
        if fields.jwk || fields.jku || fields.x5u || fields.x5c {
            return Err(Refusal::EmbeddedKey);
        }
        if fields.crit {
            return Err(Refusal::CriticalHeader);
        }
        let algorithm = Algorithm::from_str(&fields.alg).map_err(|_| Refusal::WrongAlgorithm)?;
        Ok(Self { algorithm, kid: fields.kid })
    }
}
