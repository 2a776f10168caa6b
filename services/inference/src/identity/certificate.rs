//! Who a client certificate names. Knows nothing of handshakes: what arrives here was verified by `tls`.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Longest SPIFFE id, in bytes, and longest trust domain (SPIFFE-ID §2.3).
const SPIFFE_ID_BYTES: usize = 2048;
const TRUST_DOMAIN_BYTES: usize = 255;
/// Longest domain name (RFC 1035 §2.3.4) and longest mailbox (RFC 5321 §4.5.3.1), in bytes.
const DNS_NAME_BYTES: usize = 253;
const EMAIL_BYTES: usize = 254;

/// Which subject alternative name of a client certificate is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SubjectName {
    /// The SPIFFE id, which has to be the only URI.
    Spiffe,
    /// The DNS name, which has to be the only one; in lower case, because DNS knows no other.
    Dns,
    /// The mail address, which has to be the only one.
    Email,
}

/// A client certificate that the handshake verified; read once per connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The SPIFFE id, or the subject alternative name that the settings choose; `None` where it has none, or several.
    pub subject: Option<Arc<str>>,
    /// SHA-256 of the certificate's DER: what a token is bound to (RFC 8705 §3.1, `x5t#S256`).
    pub thumbprint: [u8; 32],
}

impl ClientCertificate {
    /// Reads whom `der` names by its subject alternative name of this kind. One that cannot be read names nobody.
    #[must_use]
    pub fn read(der: &[u8], name: SubjectName) -> Self {
        let subject = X509Certificate::from_der(der).ok().and_then(|(_, certificate)| {
            let names = certificate.subject_alternative_name().ok()??;
            name.of(&names.value.general_names).map(Arc::from)
        });
        Self { subject, thumbprint: Sha256::digest(der).into() }
    }
}

impl SubjectName {
    /// The one name of this kind. Of several none is the caller's: which of them it acts as would be a guess.
    fn of(self, names: &[GeneralName<'_>]) -> Option<String> {
        let mut of_kind = names.iter().filter_map(|name| match (self, name) {
            (Self::Spiffe, GeneralName::URI(name))
            | (Self::Dns, GeneralName::DNSName(name))
            | (Self::Email, GeneralName::RFC822Name(name)) => Some(*name),
            _ => None,
        });
        let (name, None) = (of_kind.next()?, of_kind.next()) else { return None };
        match self {
            Self::Spiffe => is_spiffe_id(name).then(|| name.to_owned()),
            Self::Dns => is_dns_name(name).then(|| name.to_ascii_lowercase()),
            Self::Email => is_email(name).then(|| name.to_owned()),
        }
    }
}

/// A SPIFFE id with a path, as a caller's must have one (X509-SVID §5.2; the characters: SPIFFE-ID §2.1 and §2.2).
fn is_spiffe_id(uri: &str) -> bool {
    let Some((domain, path)) = uri.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let in_domain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    let in_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    uri.len() <= SPIFFE_ID_BYTES
        && (1..=TRUST_DOMAIN_BYTES).contains(&domain.len())
        && domain.bytes().all(in_domain)
        && path.split('/').all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(in_path))
}

/// One host's name: no wildcard, which is many hosts' (RFC 5280 §4.2.1.6, RFC 1123 §2.1; `_` as it is used).
fn is_dns_name(name: &str) -> bool {
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.len() <= DNS_NAME_BYTES
        && name.split('.').all(|label| !label.is_empty() && label.bytes().all(in_label))
}

/// A mailbox: something printable on both sides of its last `@` (RFC 5280 §4.2.1.6).
fn is_email(name: &str) -> bool {
    name.len() <= EMAIL_BYTES
        && name.bytes().all(|byte| byte.is_ascii_graphic())
        && name.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && is_dns_name(domain))
}
