//! The prober's settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::uri::Authority;

use crate::client::SecureUrl;
use crate::config::some_time;
use crate::model::ModelConfig;
use crate::telemetry::LogConfig;

/// Every setting of `inference probe`.
#[derive(Debug, Clone, clap::Args)]
pub struct ProberConfig {
    /// The public door: `https://HOST:PORT`, or `http://` of this machine
    #[arg(long, env = "INFERENCE_PROBE_TARGET", value_name = "URL", value_parser = parse_target)]
    pub target: SecureUrl,
    /// A file with the bearer token; looked at before each probe, as tokens end
    #[arg(long, env = "INFERENCE_PROBE_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Connect to this address in place of the target's own: to one door behind it, which shows the target's certificate
    #[arg(long, env = "INFERENCE_PROBE_CONNECT", value_name = "HOST:PORT", value_parser = parse_address)]
    pub connect: Option<String>,
    /// The authorities that sign the target's certificate, as PEM; those that Mozilla trusts where it is missing
    #[arg(long, env = "INFERENCE_PROBE_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// How often a golden row is sent, to each route
    #[arg(long, env = "INFERENCE_PROBE_INTERVAL", value_name = "DURATION", default_value = "5s",
          value_parser = some_time)]
    pub interval: Duration,
    /// Send each golden row once, to each route, and end: with 0 where every answer is right, and otherwise with 1
    #[arg(long, env = "INFERENCE_PROBE_ONCE")]
    pub once: bool,
    /// How long a whole answer may take, the connection included where one has to be opened
    // Two routes within one interval, with a half left.
    #[arg(long, env = "INFERENCE_PROBE_TIMEOUT", value_name = "DURATION", default_value = "2s",
          value_parser = some_time)]
    pub timeout: Duration,
    /// The address of the prober's own /livez, /readyz and /metrics
    #[arg(
        long,
        env = "INFERENCE_PROBE_METRICS_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9091"
    )]
    pub metrics_listen: SocketAddr,
    /// Where to write the address as JSON once the prober has begun
    #[arg(long, env = "INFERENCE_READY_FILE", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// The model whose golden answers are expected.
    #[command(flatten, next_help_heading = "Model")]
    pub model: ModelConfig,
    /// What the prober says.
    #[command(flatten, next_help_heading = "Logs")]
    pub log: LogConfig,
}

/// The routes' paths are the prober's own.
fn parse_target(text: &str) -> Result<SecureUrl, String> {
    let url: SecureUrl = text.parse().map_err(|error: crate::client::SecureUrlError| error.to_string())?;
    if url.path() == "/" {
        return Ok(url);
    }
    Err(format!("the path {} is not asked; expected https://HOST:PORT alone", url.path()))
}

fn parse_address(text: &str) -> Result<String, String> {
    let authority: Option<Authority> = text.parse().ok();
    match authority.and_then(|authority| authority.port_u16()) {
        Some(_) if !text.contains('@') => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        config: ProberConfig,
    }

    #[rstest]
    #[case::a_path(&["--target", "https://api.example.com/api"], "the path /api is not asked")]
    #[case::a_query(&["--target", "https://api.example.com/?key=a"], "the path /?key=a is not asked")]
    #[case::in_the_clear(&["--target", "http://api.example.com"], "expected https://")]
    #[case::no_pause(&["--target", "http://127.0.0.1:1", "--interval", "0s"], "expected some time")]
    #[case::no_patience(&["--target", "http://127.0.0.1:1", "--timeout", "0s"], "expected some time")]
    #[case::no_port(&["--target", "http://127.0.0.1:1", "--connect", "door.internal"], "expected HOST:PORT")]
    #[case::somebodys_address(&["--target", "http://127.0.0.1:1", "--connect", "a@door.internal:1"], "expected HOST:PORT")]
    #[case::no_target(&[], "--target <URL>")]
    fn says_what_is_wrong_with_the_settings(#[case] arguments: &[&str], #[case] says: &str) {
        let error = CommandLine::try_parse_from([&["probe"], arguments].concat()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[rstest]
    #[case("https://api.example.com")]
    #[case("https://api.example.com/")]
    #[case("http://[::1]:8080")]
    fn takes_an_address_alone(#[case] target: &str) {
        assert!(CommandLine::try_parse_from(["probe", "--target", target]).is_ok());
    }
}
