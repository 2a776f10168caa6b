//! Why a caller was refused: the reason in the metric, and what the caller is told.

use http::HeaderValue;

use super::RETRY_MOST;
use crate::api::ApiError;

/// Why a request was not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Refusal {
    /// No `Authorization` header.
    Missing,
    /// More than one `Authorization` header.
    Duplicate,
    /// An `Authorization` header of another scheme than `Bearer`.
    OtherScheme,
    /// An `Authorization: Bearer` header without a token, or with bytes that no token has.
    MalformedHeader,
    /// A token that is not a JWT, or one without `exp`.
    Malformed,
    /// A token longer than is looked at.
    TooLarge,
    /// The algorithm `none`: nobody signed it.
    Unsigned,
    /// An HMAC where the service's key is a public one, which everybody has.
    AlgorithmConfusion,
    /// Another algorithm than the key's.
    WrongAlgorithm,
    /// A key, or the place of one, in the token's own header.
    EmbeddedKey,
    /// A header extension that must be understood and is not.
    CriticalHeader,
    /// A `kid` that no key of the service has.
    UnknownKey,
    /// No keys that could still be trusted: not the caller's fault.
    KeysStale,
    /// The signature is not the key's.
    BadSignature,
    /// `exp` is over.
    Expired,
    /// `nbf` is not yet.
    NotYetValid,
    /// `iss` is missing or another.
    WrongIssuer,
    /// `aud` is missing or another.
    WrongAudience,
    /// `sub` is missing or empty.
    NoSubject,
    /// No client certificate, where one is asked for.
    NoCertificate,
    /// A client certificate without the name that identities are read from.
    NamelessCertificate,
    /// A token that is not bound to a certificate, where it has to be.
    NotBound,
    /// A token that is bound to another certificate than it came with: a stolen one.
    NotBoundToThis,
}

impl Refusal {
    /// The reason, as `auth_decisions_total{outcome}` has it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Duplicate => "duplicate",
            Self::OtherScheme => "other_scheme",
            Self::MalformedHeader => "malformed_header",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unsigned => "unsigned",
            Self::AlgorithmConfusion => "algorithm_confusion",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::EmbeddedKey => "embedded_key",
            Self::CriticalHeader => "critical_header",
            Self::UnknownKey => "unknown_key",
            Self::KeysStale => "keys_stale",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::NoSubject => "no_subject",
            Self::NoCertificate => "no_certificate",
            Self::NamelessCertificate => "nameless_certificate",
            Self::NotBound => "not_bound",
            Self::NotBoundToThis => "bound_to_another",
        }
    }

    /// Whether the same token gets the same answer a moment later, and finding out costs a signature.
    pub(super) const fn is_final(self) -> bool {
        matches!(
            self,
            Self::BadSignature | Self::Expired | Self::WrongIssuer | Self::WrongAudience | Self::NoSubject
        )
    }

    /// The `WWW-Authenticate` header (RFC 6750 §3): no error code where no token came (§3.1).
    #[must_use]
    pub fn challenge(self) -> HeaderValue {
        const BARE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="puntual""#);
        let error = match self {
            Self::Missing | Self::OtherScheme => return BARE,
            Self::Duplicate | Self::MalformedHeader => "invalid_request",
            _ => "invalid_token",
        };
        // The texts are of characters that may stand between quotes: a test walks them all.
        let challenge = format!(r#"Bearer realm="puntual", error="{error}", error_description="{self}""#);
        challenge.try_into().unwrap_or(BARE)
    }
}

/// Whose fault it was decides the answer.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoCertificate | Refusal::NamelessCertificate => Self::CertificateRefused(refusal),
            Refusal::Duplicate | Refusal::MalformedHeader => Self::MalformedCredentials(refusal),
            Refusal::KeysStale => Self::KeysStale { retry_after: RETRY_MOST },
            _ => Self::Unauthenticated(refusal),
        }
    }
}

/// What the caller is told: enough to mend an honest mistake.
impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "there is no Authorization header; expected `Authorization: Bearer <JWT>`",
            Self::Duplicate => "there is more than one Authorization header; expected one",
            Self::OtherScheme => "the Authorization header is of another scheme; expected `Bearer <JWT>`",
            Self::MalformedHeader => "the Authorization header is not `Bearer <JWT>`",
            Self::Malformed => "the token is not a JWT with an end (RFC 7519; `exp`)",
            Self::TooLarge => "the token is too long",
            Self::Unsigned => "the token is not signed (`alg` is none)",
            Self::AlgorithmConfusion => {
                "the token is signed with a secret, and the service's key is a public one (`alg`)"
            }
            Self::WrongAlgorithm => {
                "the token is signed with another algorithm than the service's key (`alg`)"
            }
            Self::EmbeddedKey => "the token brings its own key (`jwk`, `jku`, `x5u` or `x5c`)",
            Self::CriticalHeader => "the token asks for an extension that is not understood (`crit`)",
            Self::UnknownKey => "the token is signed with a key that the service does not have (`kid`)",
            Self::KeysStale => "the keys of the tokens' issuer cannot be fetched; the token may be right",
            Self::BadSignature => "the token's signature does not fit the service's key",
            Self::Expired => "the token is expired (`exp`)",
            Self::NotYetValid => "the token is not valid yet (`nbf`)",
            Self::WrongIssuer => "the token is from another issuer (`iss`)",
            Self::WrongAudience => "the token is for another audience (`aud`)",
            Self::NoSubject => "the token names no subject (`sub`)",
            Self::NoCertificate => "the connection has no client certificate",
            Self::NamelessCertificate => {
                "the client certificate names nobody, or more than one, in its subject alternative names"
            }
            Self::NotBound => "the token is not bound to a client certificate (`cnf`)",
            Self::NotBoundToThis => "the token is bound to another client certificate (`cnf`)",
        })
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn what_the_caller_is_told_may_stand_in_a_challenge() {
        for refusal in Refusal::iter() {
            let text = refusal.to_string();
            // RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E.
            let allowed = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\';
            assert!(text.bytes().all(allowed), "{text}");
        }
    }
}
