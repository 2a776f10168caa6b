//! What repeated measurements of the same thing came to.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// A median, and between what the values lay.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(super) fn of(mut values: Vec<f64>) -> anyhow::Result<Self> {
        ensure!(values.iter().all(|value| value.is_finite()), "not all numbers: {values:?}");
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().map(rounded).context("nothing was measured");
        Ok(Self { least: at(0)?, median: at(values.len() / 2)?, most: at(values.len().saturating_sub(1))? })
    }
}

/// A count as a figure that one can divide by.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub(super) fn figure(count: u64) -> f64 {
    count as f64
}

/// Three digits after the point are more than any run repeats.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
