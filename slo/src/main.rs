//! The command line of the compiler; everything is in the library, so that it can be tested and used from there.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    slo::commands::run(&slo::cli::Options::parse())
}
