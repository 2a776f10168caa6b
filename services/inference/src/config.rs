//! All settings of the running service. The only place where the environment is read, through clap: every `--flag` is
//! also `INFERENCE_FLAG`. Secrets come as file paths. Each concern's settings are defined beside the concern.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::admin::AdminConfig;
use crate::admission::AdmissionConfig;
use crate::api::ApiConfig;
use crate::drain::DrainConfig;
use crate::identity::{IdentityConfig, KeyRefreshConfig, KeySource, Policy};
use crate::listen::ListenConfig;
use crate::model::ModelConfig;
use crate::telemetry::TelemetryConfig;
use crate::tls::TlsConfig;

/// How the service is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// To try it: loopback only, a signing key made at the start, a token printed.
    Development,
    /// To serve: any address, tokens of an issuer whose public key is given.
    Production,
}

/// Every setting of `inference`.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Development listens on loopback only and prints a token that works; production needs the issuer's keys
    #[arg(long, env = "INFERENCE_MODE", value_enum, default_value_t = Mode::Development)]
    pub mode: Mode,
    /// Where to write the addresses, and in development the token, as JSON once the service is ready
    #[arg(long, env = "INFERENCE_READY_FILE", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// The API listener.
    #[command(flatten, next_help_heading = "API listener")]
    pub listen: ListenConfig,
    /// How connections of the API listener are secured.
    #[command(flatten, next_help_heading = "TLS")]
    pub tls: TlsConfig,
    /// What one request may send.
    #[command(flatten, next_help_heading = "Requests")]
    pub api: ApiConfig,
    /// The admin listener.
    #[command(flatten, next_help_heading = "Admin listener")]
    pub admin: AdminConfig,
    /// The model.
    #[command(flatten, next_help_heading = "Model")]
    pub model: ModelConfig,
    /// Who may call.
    #[command(flatten, next_help_heading = "Identity")]
    pub identity: IdentityConfig,
    /// How much is worked on at once.
    #[command(flatten, next_help_heading = "Admission")]
    pub admission: AdmissionConfig,
    /// How the service ends.
    #[command(flatten, next_help_heading = "Drain")]
    pub drain: DrainConfig,
    /// What the service tells about itself.
    #[command(flatten, next_help_heading = "Telemetry")]
    pub telemetry: TelemetryConfig,
}

/// Settings that contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Development mode on an address that others reach.
    #[error(
        "{flag} {address} is not a loopback address, and development mode accepts no other: anybody could read the \
         printed token. Listen on 127.0.0.1, or set --mode production with --jwks, --jwt-public-key or --jwt-secret"
    )]
    Exposed {
        /// The setting.
        flag: &'static str,
        /// Its value.
        address: SocketAddr,
    },
    /// Production mode without a key.
    #[error(
        "--mode production needs --jwks, --jwt-public-key or --jwt-secret: the keys of who issues the tokens; or, \
         without tokens, --policy mtls"
    )]
    NoKey,
    /// Keys that grow too old before they are looked at again.
    #[error(
        "--jwks-max-age {max_age:?} is not longer than --jwks-refresh {refresh:?}: keys would be too old each time before \
         they are fetched again"
    )]
    KeysTooOld {
        /// How long keys are used.
        max_age: Duration,
        /// How often they are fetched.
        refresh: Duration,
    },
    /// A policy that nobody could keep to.
    #[error(
        "--policy {0} is about client certificates, of which none would be asked for; give the CAs that make them with \
         --tls-client-ca, and --tls-certificate with --tls-key, or set --policy jwt"
    )]
    NoClientCa(Policy),
    /// Development mode with a key.
    #[error("{0} is for --mode production; development mode makes its own key")]
    KeyInDevelopment(KeySource),
}

/// A length of time, for what is waited for or done again and again: none at all would never end, or do nothing else.
///
/// # Errors
/// What is wrong, and what would be right, in clap's sentence that names the flag.
pub(crate) fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("expected some time, such as 5s".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

impl Config {
    /// Looks for settings that contradict each other.
    ///
    /// # Errors
    /// The first [`ConfigError`], which says what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        let KeyRefreshConfig { jwks_max_age: max_age, jwks_refresh: refresh, .. } = self.identity.refresh;
        if max_age <= refresh {
            return Err(ConfigError::KeysTooOld { max_age, refresh });
        }
        let policy = self.identity.policy;
        if policy.takes_certificates() && self.tls.tls_client_ca.is_none() {
            return Err(ConfigError::NoClientCa(policy));
        }
        match (self.mode, KeySource::of(&self.identity)) {
            (Mode::Production, Some(_)) => Ok(()),
            (Mode::Production, None) if policy == Policy::Mtls => Ok(()),
            (Mode::Production, None) => Err(ConfigError::NoKey),
            (Mode::Development, Some(source)) => Err(ConfigError::KeyInDevelopment(source)),
            (Mode::Development, None) => {
                let addresses =
                    [("--listen", self.listen.listen), ("--admin-listen", self.admin.admin_listen)];
                match addresses.into_iter().find(|(_, address)| !address.ip().is_loopback()) {
                    Some((flag, address)) => Err(ConfigError::Exposed { flag, address }),
                    None => Ok(()),
                }
            }
        }
    }
}
