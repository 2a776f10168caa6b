//! `inference openapi`: prints the API's description, as it is committed in `openapi.json`.

use std::process::ExitCode;

use anstream::print;

/// Prints the document.
#[must_use]
pub fn print() -> ExitCode {
    match crate::api::openapi_document() {
        Ok(document) => {
            print!("{document}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
