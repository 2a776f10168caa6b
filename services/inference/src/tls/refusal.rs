//! Why a client certificate is refused, in the handshake or later. Verifies nothing itself.

use rustls::{CertificateError, Error};

/// What is wrong with a client certificate. `auth_decisions_total{method="mtls"}` counts each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub enum CertificateRefusal {
    /// It, or one in its chain, is not valid any more.
    Expired,
    /// It, or one in its chain, is not valid yet.
    NotYetValid,
    /// Its chain does not lead to a CA of `--tls-client-ca`; so does nobody's who signed it himself.
    UnknownIssuer,
    /// It is not for clients (RFC 5280 §4.2.1.12, `clientAuth`).
    WrongKeyUsage,
    /// It, or one in its chain, was revoked.
    Revoked,
    /// The CRL that would tell is past its `nextUpdate`.
    CrlExpired,
    /// No CRL that can be trusted tells.
    UnknownRevocationStatus,
    /// A signature does not fit: its CA's, or that of a client who does not have its key.
    BadSignature,
    /// It cannot be read, or asks for what is not understood, or is a CA's.
    BadCertificate,
}

impl CertificateRefusal {
    /// The reason, as `auth_decisions_total{outcome}` has it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Expired => "certificate_expired",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::UnknownIssuer => "unknown_issuer",
            Self::WrongKeyUsage => "wrong_key_usage",
            Self::Revoked => "revoked",
            Self::CrlExpired => "crl_expired",
            Self::UnknownRevocationStatus => "unknown_revocation_status",
            Self::BadSignature => "certificate_bad_signature",
            Self::BadCertificate => "bad_certificate",
        }
    }

    /// `None` where the error is not about the client's certificate.
    pub(super) const fn of(error: &Error) -> Option<Self> {
        use CertificateError as Wrong;
        let wrong = match error {
            Error::InvalidCertificate(wrong) => wrong,
            Error::InvalidCertRevocationList(_) => return Some(Self::UnknownRevocationStatus),
            _ => return None,
        };
        Some(match wrong {
            Wrong::Expired | Wrong::ExpiredContext { .. } => Self::Expired,
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => Self::NotYetValid,
            Wrong::UnknownIssuer => Self::UnknownIssuer,
            Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => Self::WrongKeyUsage,
            Wrong::Revoked => Self::Revoked,
            Wrong::ExpiredRevocationList | Wrong::ExpiredRevocationListContext { .. } => Self::CrlExpired,
            Wrong::UnknownRevocationStatus => Self::UnknownRevocationStatus,
            Wrong::BadSignature => Self::BadSignature,
            _ => Self::BadCertificate,
        })
    }
}
