//! `inference evaluate`: runs a model over rows of a file and prints what tract answers, for comparing it with other
//! runtimes.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::model::Scorer;

/// A model and the rows to run it on.
#[derive(Debug, clap::Args)]
pub struct Evaluation {
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// CSV file without a header: one row of numbers a line
    #[arg(long, value_name = "FILE")]
    rows: PathBuf,
}

/// Prints one JSON object a row, `{"class":1,"scores":[0.4,0.6]}`, or says on standard error why tract cannot.
#[must_use]
pub fn print(evaluation: &Evaluation) -> ExitCode {
    match evaluate(evaluation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn evaluate(Evaluation { model, rows }: &Evaluation) -> Result<(), Box<dyn std::error::Error>> {
    let file = model.display().to_string();
    let bytes = std::fs::read(model).map_err(|error| format!("{file}: cannot be read: {error}"))?;
    let scorer = Scorer::from_onnx(&file, &bytes)?;
    let lines =
        std::fs::File::open(rows).map_err(|error| format!("{}: cannot be read: {error}", rows.display()))?;
    let mut out = std::io::stdout().lock();
    for (index, line) in BufReader::new(lines).lines().enumerate() {
        let at = || format!("{}:{}", rows.display(), index + 1);
        let line = line?;
        let values: Vec<f32> = line
            .split(',')
            .map(|number| number.trim().parse().map_err(|_| format!("{}: {number:?} is not a number", at())))
            .collect::<Result<_, _>>()?;
        if values.len() != scorer.features() {
            return Err(format!("{}: {} numbers; expected {}", at(), values.len(), scorer.features()).into());
        }
        for scored in scorer.score(&values)? {
            writeln!(out, "{}", serde_json::to_string(&scored)?)?;
        }
    }
    Ok(())
}
