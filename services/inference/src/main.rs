//! The `inference` binary: a table of contents.

use std::process::ExitCode;

use inference::cli::Command;
use inference::{crypto, dev, evaluate, metrics, openapi, prober, row, serve};

/// See docs/adr/0009-mimalloc.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    crypto::install_provider(); // before anything can need it
    match Command::parse() {
        Command::Serve(config) => serve::exit(&config),
        Command::Row(flight) => row::print(&flight),
        Command::Evaluate(evaluation) => evaluate::print(&evaluation),
        Command::Probe(config) => prober::exit(&config),
        Command::Openapi => openapi::print(),
        Command::Metrics => metrics::print(),
        Command::Keys(request) => dev::keys(&request),
        Command::Token(request) => dev::mint(&request),
    }
}
