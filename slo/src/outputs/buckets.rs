//! The bounds of the service's histograms as Rust, so that a threshold is always a bound, byte for byte.

use std::fmt::Write as _;

use super::{Output, header};
use crate::objectives::{Histogram, Objectives};

pub(super) fn output(objectives: &Objectives) -> Output {
    let mut content = header(objectives, "//!");
    content += "//!\n//! Owns the histogram buckets. It must never hold a bucket that no objective or dashboard asks for: each\n\
                //! bucket of each label set is one more series.\n";
    for histogram in &objectives.histograms {
        content += &constant(histogram);
    }
    Output { path: "services/inference/src/telemetry/buckets.rs".to_owned(), content }
}

/// As rustfmt leaves it: on one line where it fits, else below its name.
fn constant(histogram: &Histogram) -> String {
    let Histogram { metric, constant, because, bounds } = histogram;
    let literal = |bound: &rust_decimal::Decimal| {
        let text = bound.to_string();
        if text.contains('.') { text } else { format!("{text}.0") }
    };
    let values = bounds.iter().map(literal).collect::<Vec<_>>().join(", ");
    let mut text = format!("\n/// Upper bounds in seconds of `{metric}`.\n///\n");
    for line in wrapped(because, 106) {
        // Writing to a String can't fail.
        let _infallible = writeln!(text, "/// {line}");
    }
    let name = format!("pub const {constant}: [f64; {}] =", bounds.len());
    let between = if name.len() + values.len() + 4 <= 110 { " " } else { "\n    " };
    let _infallible = writeln!(text, "{name}{between}[{values}];");
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
