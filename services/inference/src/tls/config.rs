//! The settings of TLS on the API listener, each default with its reason. Reads no file.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::some_time;
use crate::identity::SubjectName;

/// Which files TLS is made from, and how long things may take.
#[derive(Debug, Clone, clap::Args)]
pub struct TlsConfig {
    /// PEM file with the server's certificate, then those between it and its CA; the API then speaks TLS only
    #[arg(long, env = "INFERENCE_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the key of the server's certificate
    #[arg(long, env = "INFERENCE_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// PEM file with the CAs of client certificates; with it clients are asked for one
    #[arg(long, env = "INFERENCE_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_certificate")]
    pub tls_client_ca: Option<PathBuf>,
    /// PEM file with certificate revocation lists, one of each CA in a client's chain; may be given more than once
    #[arg(
        long,
        env = "INFERENCE_TLS_CRL",
        value_name = "FILE",
        value_delimiter = ',',
        requires = "tls_client_ca"
    )]
    pub tls_crl: Vec<PathBuf>,
    /// Which subject alternative name of a client certificate is the caller's name
    #[arg(long, env = "INFERENCE_TLS_IDENTITY", value_enum, default_value_t = SubjectName::Spiffe)]
    pub tls_identity: SubjectName,
    /// How long a handshake may take
    // 10 s, as long as the head of a request: three round trips, and as many packets that are lost.
    #[arg(long, env = "INFERENCE_TLS_HANDSHAKE_TIMEOUT", value_name = "DURATION", default_value = "10s",
          value_parser = some_time)]
    pub tls_handshake_timeout: Duration,
    /// How often the files are looked at for a change
    // 2 s: a revoked certificate is to have lost its open connections 5 s after its CRL was put there.
    #[arg(long, env = "INFERENCE_TLS_POLL", value_name = "DURATION", default_value = "2s",
          value_parser = some_time)]
    pub tls_poll: Duration,
}
