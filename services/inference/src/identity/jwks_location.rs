//! Where a JWK Set is: a file, or an address. Reads neither.

use std::convert::Infallible;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use crate::client::{SecureUrl, SecureUrlError};

/// The place of a JWK Set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksLocation {
    /// A file.
    File(PathBuf),
    /// An address.
    Url(SecureUrl),
}

/// Whatever has a scheme is an address.
impl FromStr for JwksLocation {
    type Err = SecureUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return text.parse().map(Self::Url);
        }
        let Ok(path) = PathBuf::from_str(text) as Result<PathBuf, Infallible>;
        Ok(Self::File(path))
    }
}

impl Display for JwksLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Url(url) => url.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_file("keys.json", "file")]
    #[case::an_absolute_file("/etc/keys/jwks.json", "file")]
    #[case::an_address("https://id.example.com/jwks", "url")]
    #[case::an_address_that_cannot_be_trusted("http://id.example.com/jwks", "expected https://")]
    #[case::a_file_as_a_url("file:///etc/jwks.json", "not a URL")]
    fn is_a_file_or_an_address_that_can_be_trusted(#[case] text: &str, #[case] is: &str) {
        let location = JwksLocation::from_str(text);
        if let Ok(location) = &location {
            assert_eq!(location.to_string(), text, "what a person reads is what was set");
        }
        match location {
            Ok(JwksLocation::File(path)) => assert_eq!((is, path.to_str()), ("file", Some(text))),
            Ok(JwksLocation::Url(_)) => assert_eq!(is, "url"),
            Err(error) => assert!(error.to_string().starts_with(is), "{error}"),
        }
    }
}
