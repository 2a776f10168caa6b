//! `inference metrics`: prints the catalogue of metrics, as it is committed in `metrics.json`, for whoever writes a
//! rule or a dashboard. Knows no metric itself.

use std::error::Error;
use std::process::ExitCode;

use anstream::println;

use crate::admission::Classes;
use crate::model::{ModelConfig, ModelStore};
use crate::prober;
use crate::serve;
use crate::telemetry::catalogue::Catalogue;

/// Prints the catalogue of a service with the embedded model and the default settings.
#[must_use]
pub fn print() -> ExitCode {
    match catalogue() {
        Ok(catalogue) => {
            println!("{catalogue}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn catalogue() -> Result<String, Box<dyn Error>> {
    let model = ModelStore::load(&ModelConfig::EMBEDDED)?;
    let catalogue = serve::with_declared(&model, &Classes::default(), |declared| {
        Catalogue::of(declared, &prober::ROUTES)
    });
    Ok(serde_json::to_string_pretty(&catalogue)?)
}
