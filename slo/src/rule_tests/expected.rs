//! What has to come back when a test asks: the labels of what is recorded and of alerts, and a recorded value.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::examples::{self, Labels};
use super::file::{ExprTest, Sample};
use super::traffic;
use crate::numbers::{Span, Tier};
use crate::objectives::{Objectives, SLICE, Slo};

/// What is recorded of an objective under a name at a time: one series with these labels, or none.
pub(super) fn recorded(
    objectives: &Objectives,
    slo: &Slo,
    name: &str,
    eval_time: Span,
    labels: &Labels,
    value: Option<f64>,
) -> ExprTest {
    let sample = |value| Sample { labels: examples::series(name, labels), value };
    ExprTest {
        expr: format!("{name}{}", slo.labels(&objectives.service)),
        eval_time,
        exp_samples: value.map(sample).into_iter().collect(),
    }
}

/// The labels of an alert.
pub(super) fn alert_labels(objectives: &Objectives, slo: &Slo, tier: &Tier) -> BTreeMap<String, String> {
    let own = [
        ("severity", tier.severity.to_string()),
        ("long", tier.long.to_string()),
        ("short", tier.short.to_string()),
    ];
    own.map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(recorded_labels(objectives, slo))
        .collect()
}

/// The labels of everything that is recorded of an objective.
pub(super) fn recorded_labels(objectives: &Objectives, slo: &Slo) -> BTreeMap<String, String> {
    let own = [("service", objectives.service.clone()), ("slo", slo.id.clone())];
    own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(traffic::group(slo)).collect()
}

/// How many slices a period has.
pub(super) fn slices_of_period(slo: &Slo) -> f64 {
    number(Decimal::from(slo.period.span().millis()) / Decimal::from(SLICE.millis()))
}

/// As promtool compares it.
pub(super) fn number(decimal: Decimal) -> f64 {
    decimal.to_f64().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) const fn whole(number: i64) -> f64 {
    number as f64
}
