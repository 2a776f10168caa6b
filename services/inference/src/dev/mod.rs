//! Development mode: signing keys, tokens and certificates to try the service with, and a request to paste. What is made
//! here is made to be thrown away, so that none of it may be used, or made, where the service is in production mode.

mod certificates;
mod curl;
mod jwks;
mod keys;
mod new_files;
mod signing_key;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::println;

pub use curl::curl;
pub use keys::Keys;
pub use signing_key::{DevKey, DevKeyError};
pub use token::TokenRequest;

use crate::config::Mode;

/// The mode that the service would run in: `INFERENCE_MODE` of a production machine stops these commands there.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Where {
    /// Must be development: these commands refuse to be used beside a production service
    #[arg(long, env = "INFERENCE_MODE", value_enum, default_value_t = Mode::Development, global = true)]
    mode: Mode,
}

/// Why a command made nothing, or not all.
#[derive(Debug, thiserror::Error)]
enum DevError {
    #[error(
        "this is for development mode, and --mode (INFERENCE_MODE) is production: what it makes lies about in files \
         and must not get near a production service, whose keys are its issuer's"
    )]
    Production,
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{}: exists already, and is not overwritten; expected another --name, or an empty folder", .0.display())]
    Exists(PathBuf),
    #[error("{}: {source}", path.display())]
    Key { path: PathBuf, source: DevKeyError },
    #[error("{}: {expected}", path.display())]
    Unusable { path: PathBuf, expected: String },
    #[error("--client {name}: {expected}")]
    Client { name: String, expected: &'static str },
    #[error(transparent)]
    Make(#[from] DevKeyError),
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("nothing could be printed: {0}")]
    Print(#[from] serde_json::Error),
}

impl Where {
    fn check(self) -> Result<(), DevError> {
        match self.mode {
            Mode::Development => Ok(()),
            Mode::Production => Err(DevError::Production),
        }
    }
}

/// `inference keys`: makes what is to be tried with, prints what was made.
#[must_use]
pub fn keys(request: &Keys) -> ExitCode {
    say(request.run())
}

/// `inference token`: prints a token.
#[must_use]
pub fn mint(request: &TokenRequest) -> ExitCode {
    say(request.mint())
}

fn say(made: Result<String, DevError>) -> ExitCode {
    match made {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, DevError> {
    std::fs::read(path).map_err(|source| DevError::File { path: path.to_owned(), source })
}
