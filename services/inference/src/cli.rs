//! The command line: what the binary can be asked to do. Does none of it.

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::dev::{Keys, TokenRequest};
use crate::evaluate::Evaluation;
use crate::prober::ProberConfig;
use crate::row::Flight;

const EXAMPLES: &str = "\
Examples:
  inference                                          serve on loopback and print a request that works
  inference --mode production --listen 0.0.0.0:8080 --admin-listen 0.0.0.0:9090 \\
            --jwt-public-key issuer.pem --jwt-issuer https://id.example.com --jwt-audience puntual
  inference row --airline \"Sky Airline\" --type I --month 7
                                                     print the body for a flight
  inference keys --help                              one paste for each way of proving who calls";

/// Serves the flight-delay model: 37 numbers in, will this flight be late?
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Other>,
    #[command(flatten)]
    serve: Config,
}

/// What the binary does beside serving.
#[derive(Debug, Subcommand)]
enum Other {
    /// Print the body of `POST /api` for a flight in words
    Row(Flight),
    /// Run a model over the rows of a file and print what tract answers
    Evaluate(Evaluation),
    /// Send golden rows through the public door of a service, and count what comes back
    Probe(ProberConfig),
    /// Print the API's description
    Openapi,
    /// Print the names, labels and meanings of the metrics that the service exports
    Metrics,
    /// Make signing keys, a JWK Set or certificates to try the service with
    Keys(Keys),
    /// Print a token to try the service with
    Token(TokenRequest),
}

/// What the binary was asked to do.
#[derive(Debug)]
pub enum Command {
    /// Serve; what it does when nothing else is asked.
    Serve(Box<Config>),
    /// Print the body for a flight.
    Row(Flight),
    /// Run a model over rows.
    Evaluate(Evaluation),
    /// Probe a service.
    Probe(Box<ProberConfig>),
    /// Print the API's description.
    Openapi,
    /// Print the catalogue of metrics.
    Metrics,
    /// Make development keys or certificates.
    Keys(Box<Keys>),
    /// Print a development token.
    Token(Box<TokenRequest>),
}

impl Command {
    /// Reads the command line and the environment. On wrong ones the process ends here with what would be right.
    #[must_use]
    pub fn parse() -> Self {
        CommandLine::parse().into()
    }
}

impl From<CommandLine> for Command {
    fn from(CommandLine { command, serve }: CommandLine) -> Self {
        match command {
            None => Self::Serve(Box::new(serve)),
            Some(Other::Row(flight)) => Self::Row(flight),
            Some(Other::Evaluate(evaluation)) => Self::Evaluate(evaluation),
            Some(Other::Probe(config)) => Self::Probe(Box::new(config)),
            Some(Other::Openapi) => Self::Openapi,
            Some(Other::Metrics) => Self::Metrics,
            Some(Other::Keys(request)) => Self::Keys(Box::new(request)),
            Some(Other::Token(request)) => Self::Token(Box::new(request)),
        }
    }
}
