//! What can be wrong with a model, each error with the file and what would be right.

use std::path::PathBuf;

/// Why a model, or its golden answers, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are not an ONNX model that tract can make a plan from.
    #[error("{file}: not a model that tract can run: {reason}")]
    NotRunnable {
        /// The file, or `embedded model`.
        file: String,
        /// tract's own words, with every cause.
        reason: String,
    },
    /// The model's inputs or outputs are not those of a classifier.
    #[error("{file}: {found}; expected {expected}")]
    WrongShape {
        /// The file, or `embedded model`.
        file: String,
        /// What the model has.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A metadata property of the model does not say what it should.
    #[error("{file}: metadata property `{key}`: {reason}")]
    Metadata {
        /// The file, or `embedded model`.
        file: String,
        /// The property's key.
        key: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The file of golden answers is not one, or has no row.
    #[error("{file}: not a file of golden answers: {reason}")]
    NotGolden {
        /// The file, or `embedded golden answers`.
        file: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// The model answers a golden row otherwise than its trainer did.
    #[error("{file}: row {row} of {golden}: the model answers {got}, the golden answer is {expected}")]
    WrongAnswer {
        /// The model's file.
        file: String,
        /// The file of golden answers.
        golden: String,
        /// The row, counted from 1.
        row: usize,
        /// What the model answered.
        got: i64,
        /// What it should have answered.
        expected: i64,
    },
    /// The model failed while running.
    #[error("the model failed while running: {reason}")]
    Run {
        /// tract's own words.
        reason: String,
    },
}
