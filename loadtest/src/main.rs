//! The command line of the load test; everything is in the library, so that it can be tested and used from there.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    loadtest::commands::run(&loadtest::cli::Options::parse())
}
