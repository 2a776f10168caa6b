//! What can be wrong with the files of TLS: which setting, which file, what would be right.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem;

/// Why TLS was not begun, or new files were not taken.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {}: {problem}", path.display())]
pub struct TlsError {
    /// The setting that names the file.
    pub setting: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: TlsProblem,
}

/// What is wrong with a file. Items are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum TlsProblem {
    /// The operating system does not give it.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Something in it is no PEM.
    #[error("not PEM: {0}")]
    NotPem(pem::Error),
    /// Nothing of the kind that is looked for.
    #[error("holds no {expected}; expected PEM with `-----BEGIN {label}-----`")]
    Nothing {
        /// In words.
        expected: &'static str,
        /// In PEM.
        label: &'static str,
    },
    /// A PEM section whose content is something else.
    #[error("{kind} {item} cannot be read: {reason}")]
    Unusable {
        /// `certificate` or `CRL`.
        kind: &'static str,
        /// Which.
        item: usize,
        /// What the parser said.
        reason: String,
    },
    /// A key that is of no use for TLS, or belongs to another certificate.
    #[error("not the key of the certificate in --tls-certificate: {0}")]
    WrongKey(rustls::Error),
    /// A certificate or CRL of the past.
    #[error("{kind} {item} is expired since {}; expected one that is valid now", moment(*since))]
    Expired {
        /// `certificate` or `CRL`.
        kind: &'static str,
        /// Which.
        item: usize,
        /// Seconds since the Unix epoch.
        since: u64,
    },
    /// A certificate of the future.
    #[error("certificate {item} is valid from {} on; expected one that is valid now", moment(*from))]
    NotYetValid {
        /// Which.
        item: usize,
        /// Seconds since the Unix epoch.
        from: u64,
    },
    /// A client's or a server's certificate, whose owner could then make certificates for anybody.
    #[error("certificate {item} is not a CA's (basic constraints, CA:TRUE); expected those of CAs only")]
    NotAnAuthority {
        /// Which.
        item: usize,
    },
}

impl TlsProblem {
    pub(super) fn unusable(kind: &'static str, item: usize, reason: impl ToString) -> Self {
        Self::Unusable { kind, item, reason: reason.to_string() }
    }
}

fn moment(seconds: u64) -> impl std::fmt::Display {
    // Beyond what the clock can show is far enough.
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::now());
    humantime::format_rfc3339_seconds(at)
}
