//! The command line: what may be asked. Must never do the work.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::scenario::Credentials;
use crate::share::Part;

/// Load tests whose verdict is valid, correct and within the objectives, or says why not.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, after_help = EXAMPLES)]
pub struct Options {
    /// The commit that it was built from, as its image says
    #[arg(long, env = "LOADTEST_COMMIT", hide = true, global = true)]
    pub commit: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  loadtest run loadtest/scenarios/smoke.yaml
                                    builds the service, starts it on loopback, asks it, stops it
  loadtest run loadtest/scenarios/brief-50k.yaml --target http://127.0.0.1:8080 --token-file token --out result.json
                                    asks one that is there, and keeps all that was seen
  loadtest run loadtest/scenarios/smoke.yaml --target https://127.0.0.1:8443 --token-file token --ca ca.pem
                                    asks over TLS; --cert and --key show a client certificate
  loadtest run loadtest/scenarios/smoke.yaml --otlp-endpoint http://127.0.0.1:4318
                                    tells a collector what was seen, for the dashboard of load tests
  loadtest run loadtest/scenarios/smoke.yaml --target … --token-file … --share 0/4 --begin-at 2026-01-01T12:00:00Z --out 0.json
                                    sends a quarter of the load, while three other machines send theirs
  loadtest merge loadtest/scenarios/smoke.yaml 0.json 1.json 2.json 3.json
                                    judges the four as the one run that they are
  loadtest report result.json --html result.html
                                    draws what was seen, in one page that needs nothing else
  loadtest compare --before a1.json a2.json … --after b1.json b2.json …
                                    is the second build slower than the first? six runs of each, taken in turns
  loadtest capacity loadtest/scenarios/capacity.yaml --credentials none bearer --out loadtest/results/capacity.json
                                    how much one core can do, with and without a token
  loadtest ladder loadtest/scenarios/auth-ladder.yaml --credentials none es256 mtls --out loadtest/results/auth-ladder.json
                                    what a token and a client certificate add to an answer, and to the service's work

Exit codes: 0 pass, 1 fail, 2 nobody can say (not worth believing, a file that can't be read). A share passes nothing by
itself: 0 says that it was sent.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario, and say in one sentence what came of it
    Run(Run),
    /// Make one run of the results of all its shares, and say in one sentence what came of it
    Merge(Merge),
    /// Show a result that `run --out` kept, as Markdown
    Report(Report),
    /// Show what a committed result was at each commit that changed it, newest last
    History(History),
    /// Find the highest rate at which the objectives are met
    Capacity(Capacity),
    /// Say what each way of proving who sends adds to an answer, at the same rate
    Ladder(Ladder),
    /// Say whether one build is slower than another; exit 1 if so, 2 where nobody can say
    Compare(Compare),
    /// Print a JSON Schema
    Schema {
        /// Of which files
        of: SchemaOf,
    },
    /// The generator, which `run` starts
    #[command(hide = true)]
    Generate,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaOf {
    /// Scenario files
    Scenario,
    /// Result files
    Result,
    /// What `capacity` found
    Capacity,
    /// What `ladder` found
    Ladder,
}

/// What to run, and against whom.
#[derive(Debug, Args)]
pub struct Run {
    /// The scenario's file
    pub scenario: PathBuf,
    /// Against whom.
    #[command(flatten)]
    pub against: Against,
    /// Send this share of the load, of several that begin together and are judged by `merge`: the first of four is 0/4
    #[arg(long, value_name = "INDEX/COUNT", requires_all = ["target", "begin_at"])]
    pub share: Option<Part>,
    /// When all shares begin, by their machines' clocks, such as 2026-01-01T12:00:00Z
    #[arg(long, value_name = "TIME", requires = "share", value_parser = humantime::parse_rfc3339)]
    pub begin_at: Option<SystemTime>,
    /// Write all that was seen into this file; `-` is standard output, where nothing else is written then
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Tell a collector what each phase saw, second by second, once it is over: where it takes OTLP over HTTP, such as
    /// http://127.0.0.1:4318
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

/// What to make one run of.
#[derive(Debug, Args)]
pub struct Merge {
    /// The scenario's file
    pub scenario: PathBuf,
    /// What `run --share` kept, of each share
    #[arg(required = true)]
    pub results: Vec<PathBuf>,
    /// Write the one run into this file; `-` is standard output, where nothing else is written then
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Against whom.
#[derive(Debug, Args)]
pub struct Against {
    /// The service; without it, one is built, started on loopback and stopped
    #[arg(long, env = "LOADTEST_TARGET", value_name = "URL")]
    pub target: Option<String>,
    /// A file with the bearer token that the target wants; with one a line, of each client that sends
    #[arg(long, env = "LOADTEST_TOKEN_FILE", value_name = "FILE", requires = "target")]
    pub token_file: Option<PathBuf>,
    /// A file with the authorities that the target's certificate may be of, in PEM
    #[arg(long, value_name = "FILE", requires = "target")]
    pub ca: Option<PathBuf>,
    /// A file with the client certificate that the target wants, in PEM
    #[arg(long, value_name = "FILE", requires_all = ["target", "key"])]
    pub cert: Option<PathBuf>,
    /// A file with its key, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
}

/// Where to look for the most that a service can do.
#[derive(Debug, Args)]
pub struct Capacity {
    /// The scenario's file: its only phase is run at each rate, its rate is the first
    pub scenario: PathBuf,
    /// Against whom.
    #[command(flatten)]
    pub against: Against,
    /// Ways of proving who sends, each with a service of its own; without one, the scenario's
    #[arg(long, value_enum, num_args = 1.., value_name = "NAME", conflicts_with = "target")]
    pub credentials: Vec<Credentials>,
    /// Searches for each of them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..), value_name = "NUMBER")]
    pub rounds: u8,
    /// How far an answer may be below the truth, in requests a second
    #[arg(long, default_value = "250", value_name = "RATE")]
    pub step: NonZeroU32,
    /// No rate is tried beyond this one
    #[arg(long, default_value = "1000000", value_name = "RATE")]
    pub ceiling: NonZeroU32,
    /// Write what was found into this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to climb.
#[derive(Debug, Args)]
pub struct Ladder {
    /// The scenario's file: its only phase is run once for each way in each turn
    pub scenario: PathBuf,
    /// Ways of proving who sends, each with a service of its own; the others are compared with the first
    #[arg(long, value_enum, num_args = 1.., required = true, value_name = "NAME")]
    pub credentials: Vec<Credentials>,
    /// How often all of them have a turn; from six on, what they add has an interval
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..), value_name = "NUMBER")]
    pub turns: u8,
    /// Write what was found into this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to show.
#[derive(Debug, Args)]
pub struct Report {
    /// The result's file
    pub result: PathBuf,
    /// Write one page of HTML with plots into this file instead; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the plots alone, as one picture
    #[arg(long, value_name = "FILE", conflicts_with = "html")]
    pub svg: Option<PathBuf>,
}

/// Of what to show the history.
#[derive(Debug, Args)]
pub struct History {
    /// The result's file, which is committed
    pub result: PathBuf,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct Compare {
    /// Results of the one build, in the order in which they were taken
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub before: Vec<PathBuf>,
    /// Results of the other, each taken right after the one before
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub after: Vec<PathBuf>,
}
