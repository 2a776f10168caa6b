//! `inference row`: prints the body for a flight in words, so that nobody has to count columns.

use std::process::ExitCode;

use anstream::println;

use crate::model::{Metadata, ModelConfig, ModelStore};

/// A flight in words.
#[derive(Debug, clap::Args)]
pub struct Flight {
    /// Operating airline, for example "Sky Airline"
    #[arg(long, value_name = "NAME")]
    airline: String,
    /// Flight type: I international, N national
    #[arg(long = "type", value_name = "I|N")]
    flight_type: String,
    /// Month, 1 to 12
    #[arg(long, value_name = "MONTH")]
    month: String,
    #[command(flatten)]
    model: ModelConfig,
}

/// Prints the body of `POST /api` for `flight`, or says on standard error which word is not known.
#[must_use]
pub fn print(flight: &Flight) -> ExitCode {
    match body(flight) {
        Ok(body) => {
            println!("{body}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn body(flight: &Flight) -> Result<String, String> {
    let store = ModelStore::load(&flight.model).map_err(|error| error.to_string())?;
    let model = store.current();
    let words = [("OPERA", &flight.airline), ("TIPOVUELO", &flight.flight_type), ("MES", &flight.month)];
    let set = words.iter().map(|(group, word)| feature(model.metadata(), group, word));
    let set = set.collect::<Result<Vec<usize>, _>>()?;
    let row = (0..model.metadata().features).map(|feature| if set.contains(&feature) { "1" } else { "0" });
    Ok(format!(r#"{{"array":[{}]}}"#, row.collect::<Vec<_>>().join(",")))
}

/// The place of the feature `group_word`.
fn feature(metadata: &Metadata, group: &str, word: &str) -> Result<usize, String> {
    let prefix = format!("{group}_");
    let words = || {
        metadata
            .feature_names
            .iter()
            .enumerate()
            .filter_map(|(at, name)| Some((at, name.strip_prefix(&prefix)?)))
    };
    words().find(|(_, known)| known.eq_ignore_ascii_case(word)).map(|(at, _)| at).ok_or_else(|| {
        let known: Vec<&str> = words().map(|(_, known)| known).collect();
        format!(
            "{word:?} is no {group} of the model {}; expected one of: {}",
            metadata.name,
            known.join(", ")
        )
    })
}
