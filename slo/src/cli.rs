//! The command line: what may be asked. Must never do the work.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use rust_decimal::Decimal;

use crate::delivery::Delivery;
use crate::objectives::Compression;

/// One file of objectives in; rules, tests, dashboards, buckets and gates out.
#[derive(Debug, Parser)]
#[command(name = "slo", version, after_help = EXAMPLES)]
pub struct Options {
    /// Where the objectives are.
    #[command(flatten)]
    pub definitions: Definitions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  slo validate                      is everything in slo/definitions/inference.yaml right?
  slo generate                      write everything that is made from it
  slo generate --check              is something stale? (exit 1, with its name)
  slo generate --compress 60 --out /tmp/fast
                                    the same with hours as minutes, for a test that has no days
  slo check --metrics http://127.0.0.1:9090/metrics --metrics http://127.0.0.1:9091/metrics
                                    do service and prober export all that the objectives read?
  slo gate --prometheus http://127.0.0.1:9095
                                    is there budget left for a delivery?
  slo gate --prometheus http://127.0.0.1:9095 --canary 'track=\"canary\"'
                                    may the canary go on?
  slo backtest --samples incident.json --promtool .tools/bin/promtool
                                    what would have fired then?
  slo backtest --load-test loadtest/results/brief-50k.json --promtool .tools/bin/promtool
                                    how much budget would that load have used?
  slo explain ApiLatencyBurn --error-ratio 0.5
                                    what fires when half of the predictions are slow?

Exit codes: 0 pass, 1 fail, 2 cannot say (no data, a file that can't be read).";

/// Where the objectives are.
#[derive(Debug, Clone, Args)]
pub struct Definitions {
    /// The root of the repository
    #[arg(long, env = "SLO_ROOT", value_name = "FOLDER", default_value = ".", global = true)]
    pub root: PathBuf,
    /// The objectives, relative to the root
    #[arg(
        long,
        env = "SLO_DEFINITIONS",
        value_name = "FILE",
        default_value = "slo/definitions/inference.yaml",
        global = true
    )]
    pub definitions: String,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the definitions; each fault with its line, its field and what would be right
    Validate,
    /// Write everything that is made from the definitions
    Generate(Generate),
    /// Check that what runs exports everything that the objectives read; exit 1 if something is missing
    Check(Check),
    /// Change each generated rule in each way, and name the changes that no generated test notices
    Mutants(Mutants),
    /// Say whether there is budget for a delivery, or whether a canary may go on; exit 2 where nobody can say
    Gate(Gate),
    /// Say which alerts would have fired on recorded samples or in a load test, when, and how much budget went
    Backtest(Backtest),
    /// Explain an objective and its alerts in words, and plot what would fire when
    Explain(Explain),
    /// Check that every alert has a runbook page with all sections, and that what the pages ask can be answered
    Runbooks(Runbooks),
    /// Print the JSON Schema of definitions files
    Schema,
}

/// What to generate, and where.
#[derive(Debug, Args)]
pub struct Generate {
    /// Write nothing; name what is stale, and exit 1 if something is
    #[arg(long)]
    pub check: bool,
    /// Divide all lengths of time by this; needs --out
    #[arg(long, value_name = "FACTOR", requires = "out", value_parser = compression, default_value = "1")]
    pub compress: Compression,
    /// Write below this folder instead of the root
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// What is to be delivered, and who knows how it goes.
#[derive(Debug, Args)]
pub struct Gate {
    /// The Prometheus that records the objectives, such as http://127.0.0.1:9095
    #[arg(long, value_name = "URL")]
    pub prometheus: String,
    /// What is delivered
    #[arg(long, value_enum, default_value_t = Delivery::Feature)]
    pub delivers: Delivery,
    /// Judge the series that meet this instead, by their own last hour, such as 'track="canary"'
    #[arg(long, value_name = "SELECTOR", conflicts_with = "delivers")]
    pub canary: Option<String>,
    /// Only this objective; give it again for more
    #[arg(long, value_name = "ID")]
    pub slo: Vec<String>,
    /// The factor by which the rules' lengths of time were divided
    #[arg(long, value_name = "FACTOR", value_parser = compression, default_value = "1")]
    pub compress: Compression,
}

/// What was recorded, and what to evaluate it with.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub struct Backtest {
    /// An answer of Prometheus' /api/v1/query_range, with the metrics that the service and the prober export
    #[arg(long, value_name = "FILE", group = "source")]
    pub samples: Option<PathBuf>,
    /// A result of `loadtest run`
    #[arg(long, value_name = "FILE", group = "source")]
    pub load_test: Option<PathBuf>,
    /// Prometheus' own tool
    #[arg(long, value_name = "FILE", default_value = "promtool")]
    pub promtool: PathBuf,
    /// Divide all lengths of time of the rules by this, as `slo generate` does
    #[arg(long, value_name = "FACTOR", value_parser = compression, default_value = "1")]
    pub compress: Compression,
}

/// What to say of the pages.
#[derive(Debug, Args)]
pub struct Runbooks {
    /// Print the fenced blocks of each page by their language, as JSON, in place of the counts
    #[arg(long)]
    pub json: bool,
}

/// What to explain.
#[derive(Debug, Args)]
pub struct Explain {
    /// An objective such as `api-latency`, or its alert
    pub name: String,
    /// The share of bad events, beyond 0 and up to 1
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0.1")]
    pub error_ratio: Decimal,
    /// Also draw the plot into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// What to look at.
#[derive(Debug, Args)]
pub struct Check {
    /// A page of metrics, such as http://127.0.0.1:9090/metrics; give it again for the prober's
    #[arg(long, value_name = "URL", required = true)]
    pub metrics: Vec<String>,
}

/// Which rules to change, and what to try them with.
#[derive(Debug, Args)]
pub struct Mutants {
    /// Prometheus' own tool
    #[arg(long, value_name = "FILE", default_value = "promtool")]
    pub promtool: PathBuf,
    /// Try only every Nth change of each rule file, for a look that takes a minute rather than half an hour
    #[arg(long, value_name = "N", default_value = "1")]
    pub one_in: NonZeroUsize,
    /// Only these rule files, such as `api-latency`; without a name, all
    pub only: Vec<String>,
}

fn share(text: &str) -> Result<Decimal, String> {
    let share: Decimal = text.parse().map_err(|error| format!("{error}"))?;
    let is_share = share > Decimal::ZERO && share <= Decimal::ONE;
    is_share.then_some(share).ok_or_else(|| "expected a share beyond 0 and up to 1, such as 0.1".to_owned())
}

fn compression(text: &str) -> Result<Compression, String> {
    let factor: u64 = text.parse().map_err(|error| format!("{error}"))?;
    Compression::by(factor).map_err(|error| error.to_string())
}
