//! Why a caller was refused: the reason in the metric, and what the caller is told.

use http::HeaderValue;

/// Why a request was not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Refusal {
    /// No `Authorization` header.
    Missing,
    /// More than one `Authorization` header.
    Duplicate,
    /// Another scheme than `Bearer`, or a token that is not a JWT.
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
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unsigned => "unsigned",
            Self::AlgorithmConfusion => "algorithm_confusion",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::EmbeddedKey => "embedded_key",
            Self::CriticalHeader => "critical_header",
            Self::UnknownKey => "unknown_key",
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

    /// The `WWW-Authenticate` header (RFC 6750 §3): no error code where no credentials came (§3.1).
    #[must_use]
    pub const fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing => r#"Bearer realm="puntual""#,
            _ => r#"Bearer realm="puntual", error="invalid_token""#,
        })
    }
}

/// What the caller is told: enough to mend an honest mistake.
impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "there is no Authorization header; expected `Authorization: Bearer <JWT>`",
            Self::Duplicate => "there is more than one Authorization header; expected one",
            Self::Malformed => "the Authorization header is not `Bearer <JWT>`",
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
