//! What decides about a canary: the same pairs, over its own series and its own time.

use rust_decimal::Decimal;
use serde::Serialize;

use super::verdict::is_of_requests;
use super::{Output, OutputError, json};
use crate::numbers::Span;
use crate::objectives::{Indicator, Objectives, Slo};
use crate::query::QueryError;

/// The label that the scrape gives each instance of a delivery.
pub const CANARY: &str = "track=\"canary\"";

/// How long a canary is looked at: the long window of the fastest page.
pub const WINDOW: Span = Span::hours(1);

/// One question about a canary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Of which objective.
    pub slo: String,
    /// The bad events in the window.
    pub bad: String,
    /// All events in the window.
    pub total: String,
    /// The share of bad events beyond which it fails: that of the fastest page.
    #[serde(serialize_with = "text")]
    pub threshold: Decimal,
    /// The bad events below which it can't fail.
    pub least_bad_events: u32,
    /// The events below which nothing is known: as many as one bad one among them would not fail it.
    pub least_events: u64,
}

#[derive(Serialize)]
struct Canary<'a> {
    generated: String,
    service: &'a str,
    selector: &'static str,
    window: String,
    questions: Vec<Question>,
}

/// The questions, for series that also meet `selector`, over `window`.
///
/// # Errors
///
/// When the selector doesn't parse.
pub fn questions(objectives: &Objectives, selector: &str, window: Span) -> Result<Vec<Question>, QueryError> {
    let asked = objectives.slos.iter().filter(|slo| counts_requests(slo));
    asked.filter_map(|slo| question(objectives, slo, selector, window).transpose()).collect()
}

fn question(
    objectives: &Objectives,
    slo: &Slo,
    selector: &str,
    window: Span,
) -> Result<Option<Question>, QueryError> {
    let Some(tier) = slo.tiers.first() else { return Ok(None) };
    let pair = slo.narrowed(selector)?.pair(&objectives.service, window)?;
    let threshold = slo.threshold(tier);
    let least_events = (Decimal::ONE / threshold).ceil();
    Ok(Some(Question {
        slo: slo.id.clone(),
        bad: pair.bad.to_string(),
        total: pair.total.to_string(),
        threshold,
        least_bad_events: slo.least_bad_events,
        least_events: u64::try_from(least_events).unwrap_or(u64::MAX),
    }))
}

/// Exactly, where a number of JSON would be a double.
fn text<S: serde::Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn counts_requests(slo: &Slo) -> bool {
    match &slo.indicator {
        Indicator::Events { total, .. } | Indicator::Latency { total, .. } => is_of_requests(total.metric()),
        Indicator::Freshness { .. } => false,
    }
}

pub(super) fn output(objectives: &Objectives) -> Result<Output, OutputError> {
    let window = objectives.compression.of(WINDOW);
    let canary = Canary {
        generated: format!("by `slo generate` from {}", objectives.source),
        service: &objectives.service,
        selector: CANARY,
        window: window.to_string(),
        questions: questions(objectives, CANARY, window)?,
    };
    Ok(Output { path: format!("observability/canary/{}.json", objectives.service), content: json(&canary)? })
}
