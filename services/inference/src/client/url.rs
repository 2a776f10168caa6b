//! Addresses whose answers nobody on the way can read or change. Asks none of them.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

/// An `https` address, or an `http` one of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecureUrl(Arc<Uri>);

/// Why an address is refused.
#[derive(Debug, thiserror::Error)]
pub enum SecureUrlError {
    /// It cannot be parsed, or lacks a host.
    #[error("not a URL; expected https://HOST/PATH")]
    NotAUrl,
    /// Another scheme than `https`, of another machine.
    #[error(
        "expected https://; http:// is for loopback hosts only (127.0.0.1, [::1], localhost): whoever stands on the \
         way could read what is sent and change what comes back"
    )]
    Insecure,
    /// User information in the address, which would be written to logs.
    #[error("expected a URL without user name and password: URLs are logged")]
    Credentials,
}

impl FromStr for SecureUrl {
    type Err = SecureUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| SecureUrlError::NotAUrl)?;
        let authority = uri.authority().ok_or(SecureUrlError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(SecureUrlError::Credentials);
        }
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Ok(Self(uri.into())),
            Some(scheme) if *scheme == Scheme::HTTP && is_loopback(authority.host()) => Ok(Self(uri.into())),
            _ => Err(SecureUrlError::Insecure),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    // The name never leaves the machine (RFC 6761 §6.3).
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl SecureUrl {
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// The name or the address to connect to, one of version 6 without its brackets.
    pub(crate) fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Host and port as they were given, for the header `Host`.
    pub(crate) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path_and_query().map_or("/", |path| path.as_str())
    }
}

impl Display for SecureUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::https("https://id.example.com/jwks", "")]
    #[case::https_with_a_port("HTTPS://id.example.com:8443/jwks?tenant=a", "")]
    #[case::loopback("http://127.0.0.1:8080/jwks", "")]
    #[case::loopback_of_version_6("http://[::1]:8080/jwks", "")]
    #[case::loopback_by_name("http://localhost/jwks", "")]
    #[case::plain_http("http://id.example.com/jwks", "expected https://")]
    #[case::a_private_address("http://10.0.0.1/jwks", "expected https://")]
    #[case::a_name_that_looks_like_loopback("http://127.0.0.1.example.com/jwks", "expected https://")]
    #[case::another_scheme("ftp://127.0.0.1/jwks", "expected https://")]
    #[case::a_file_as_a_url("file:///etc/jwks.json", "not a URL")]
    #[case::a_host_in_disguise("http://127.0.0.1@example.com/jwks", "without user name")]
    #[case::a_password("https://user:secret@id.example.com/jwks", "without user name")]
    #[case::no_host("https:///jwks", "not a URL")]
    #[case::no_url("https://id example com/", "not a URL")]
    fn an_address_is_one_that_can_be_trusted(#[case] text: &str, #[case] wrong: &str) {
        match SecureUrl::from_str(text) {
            Ok(_) => assert_eq!(wrong, "", "{text} is accepted"),
            Err(error) => {
                assert!(!wrong.is_empty() && error.to_string().contains(wrong), "{text}: {error}");
            }
        }
    }
}
