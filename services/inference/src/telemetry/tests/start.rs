//! Telemetry starts once, and says what is wrong with its settings.

use clap::Parser;

use crate::telemetry::{Telemetry, TelemetryConfig, TelemetryError};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

fn config(arguments: &[&str]) -> TelemetryConfig {
    Cli::try_parse_from(["test"].iter().chain(arguments)).unwrap().telemetry
}

#[test]
fn a_filter_that_cannot_be_read_stops_the_start_with_its_text() {
    let error = Telemetry::start(&config(&["--log-filter", "info,inference=loud"])).unwrap_err();
    assert!(matches!(error, TelemetryError::LogFilter { .. }));
    assert!(error.to_string().contains("`info,inference=loud`"), "{error}");
}
