//! `loadtest compare`: whether one build is slower than another, or nobody can tell them apart.

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::println;

use super::{CommandError, result};
use crate::cli::Compare;
use crate::compare::{Ratio, compare};
use crate::result::RunResult;

pub(super) fn run(options: &Compare) -> Result<ExitCode, CommandError> {
    let all = |files: &[PathBuf]| -> Result<Vec<RunResult>, CommandError> {
        files.iter().map(|file| result(file)).collect()
    };
    let ratios = compare(&all(&options.before)?, &all(&options.after)?)?;
    for ratio in &ratios {
        println!("{}", words(ratio));
    }
    let is_slower = ratios.iter().any(|ratio| ratio.low > 1.0);
    Ok(if is_slower { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn words(ratio: &Ratio) -> String {
    let Ratio { quantile, ratio: mean, low, high } = ratio;
    let says = match ratio.is_shown() {
        false => "no difference shown",
        true if *mean > 1.0 => "slower",
        true => "faster",
    };
    format!("p{}: {says}: × {mean:.3} (95 % sure: {low:.3} to {high:.3})", quantile * 100.0)
}
