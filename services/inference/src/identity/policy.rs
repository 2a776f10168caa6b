//! Which proofs a caller has to bring. Checks none of them.

/// What is accepted as a proof of who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// A token.
    Jwt,
    /// A client certificate.
    Mtls,
    /// A token; of a caller that sends none, a client certificate.
    Either,
    /// A token and a client certificate, whoever they name.
    Both,
    /// A token that was bound to the client certificate it comes with (RFC 8705 §3).
    Bound,
    /// Nothing: everybody is let in, and nobody is known. The command line does not know it; benchmarks compare with it.
    #[value(skip)]
    Open,
}

/// As on the command line.
impl std::fmt::Display for Policy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Jwt => "jwt",
            Self::Mtls => "mtls",
            Self::Either => "either",
            Self::Both => "both",
            Self::Bound => "bound",
            Self::Open => "open",
        })
    }
}

/// The way in which one caller was, or was to be, proved: the label `method` of `auth_decisions_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub enum Method {
    /// By a token.
    Jwt,
    /// By a client certificate.
    Mtls,
    /// By both at once.
    Both,
}

impl Method {
    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Mtls => "mtls",
            Self::Both => "jwt+mtls",
        }
    }
}

impl Policy {
    /// Whether a client certificate is a proof, alone or with a token.
    #[must_use]
    pub const fn takes_certificates(self) -> bool {
        !matches!(self, Self::Jwt | Self::Open)
    }

    /// How a caller that brings this much is to be proved. A caller that sends a token is judged by it: a certificate
    /// does not excuse a wrong one.
    pub(super) fn method(self, has_token: impl FnOnce() -> bool, has_certificate: bool) -> Method {
        match self {
            Self::Jwt | Self::Open => Method::Jwt,
            Self::Mtls => Method::Mtls,
            Self::Either if has_certificate && !has_token() => Method::Mtls,
            Self::Either => Method::Jwt,
            Self::Both | Self::Bound => Method::Both,
        }
    }
}
