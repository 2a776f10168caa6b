//! What the model answered, and which model answers.

use std::fmt::Display;

use tracing::{error, info, trace};

use super::installed;

/// A batch of rows was answered.
#[derive(Debug, Clone, Copy)]
pub struct Predicted<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The class of each row.
    pub classes: &'a [i64],
}

impl Predicted<'_> {
    /// Counts the rows by class, in one step a class and not a row: a batch costs little more than a single row.
    pub fn emit(self) {
        let instruments = &installed().instruments;
        let mut tally: [(i64, u64); 8] = [(0, 0); 8];
        for class in self.classes.iter().copied() {
            match tally.iter_mut().find(|(seen, rows)| *rows == 0 || *seen == class) {
                Some(entry) => *entry = (class, entry.1 + 1),
                None => instruments.prediction(self.model, class, 1),
            }
        }
        for (class, rows) in tally.into_iter().take_while(|(_, rows)| *rows > 0) {
            instruments.prediction(self.model, class, rows);
        }
    }
}

/// A row was answered that no flight encodes to: a client that encodes wrongly, or drift.
#[derive(Debug, Clone, Copy)]
pub struct RowOutOfDomain<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The feature group that is not one-hot.
    pub group: &'a str,
}

impl RowOutOfDomain<'_> {
    /// Counts the row.
    pub fn emit(self) {
        installed().instruments.out_of_domain(self.model, self.group, 1);
        trace!(model = self.model, group = self.group, "row outside the domain");
    }
}

/// A model was loaded and reproduced its golden answers; it answers from now on.
#[derive(Debug, Clone, Copy)]
pub struct ModelLoaded<'a> {
    /// The model's name.
    pub model: &'a str,
    /// SHA-256 of the model file, in hex.
    pub sha256: &'a str,
    /// The operator set that the model was exported for.
    pub opset: i64,
}

impl ModelLoaded<'_> {
    /// Makes it the model of `inference_model_info`; after the first one, counts a reload.
    pub fn emit(self) {
        installed().instruments.model_info(self.model, self.sha256, self.opset);
        info!(model = self.model, sha256 = self.sha256, opset = self.opset, "model loaded");
    }
}

/// A reload found the model that answers already.
#[derive(Debug, Clone, Copy)]
pub struct ModelUnchanged;

impl ModelUnchanged {
    /// Counts the reload.
    pub fn emit(self) {
        installed().instruments.reloads_unchanged.increment(1);
        info!("model unchanged");
    }
}

/// A model that should have been loaded while the service runs was refused; the old one goes on.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "anything that can be written is a reason")]
pub struct ModelRefused<'a> {
    /// What is wrong with the file.
    pub error: &'a dyn Display,
}

impl ModelRefused<'_> {
    /// Counts the refused reload.
    pub fn emit(self) {
        installed().instruments.reloads_refused.increment(1);
        error!(error = self.error.to_string(), "model refused, the old one goes on");
    }
}
