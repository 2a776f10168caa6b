//! The service with one policy more than the command line offers: `--open` asks nobody who they are. What the cost of
//! authentication is compared with (`cargo xtask bench auth`), in one binary with what it is the cost of.

use std::process::ExitCode;

use clap::Parser;
use inference::config::Config;
use inference::identity::Policy;
use inference::{crypto, serve};

/// As in the service that ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct CommandLine {
    /// Let everybody in
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    config: Config,
}

fn main() -> ExitCode {
    crypto::install_provider();
    let CommandLine { open, mut config } = CommandLine::parse();
    if open {
        config.identity.policy = Policy::Open;
    }
    serve::exit(&config)
}
