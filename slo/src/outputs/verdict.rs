//! What a load test is judged by: the thresholds of the alerts, for the requests that it sends.

use serde::Serialize;

use super::{Output, OutputError, json};
use crate::objectives::{Indicator, Objectives, Slo};

/// An objective as a load test needs it.
#[derive(Debug, Serialize)]
struct Threshold<'a> {
    slo: &'a str,
    title: &'a str,
    /// The share of good requests, such as `0.99`.
    objective: String,
    /// The share of bad ones that is allowed.
    budget: String,
    /// Which requests count, as the labels that the service gives them.
    total: String,
    /// The slowest good answer in seconds; absent where only errors are bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_seconds: Option<String>,
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    generated: String,
    service: &'a str,
    objectives: Vec<Threshold<'a>>,
}

pub(super) fn output(objectives: &Objectives) -> Result<Output, OutputError> {
    let verdict = Verdict {
        generated: format!("by `slo generate` from {}", objectives.source),
        service: &objectives.service,
        objectives: objectives.slos.iter().filter_map(threshold).collect(),
    };
    Ok(Output { path: "loadtest/objectives.json".to_owned(), content: json(&verdict)? })
}

/// Only what counts requests can be judged by sending some: neither probes nor the age of keys.
fn threshold(slo: &Slo) -> Option<Threshold<'_>> {
    let (total, threshold_seconds) = match &slo.indicator {
        Indicator::Events { total, .. } if is_of_requests(total.metric()) => (total, None),
        Indicator::Latency { total, threshold, .. } => (total, Some(threshold.seconds().to_string())),
        Indicator::Events { .. } | Indicator::Freshness { .. } => return None,
    };
    Some(Threshold {
        slo: &slo.id,
        title: &slo.title,
        objective: slo.objective.ratio().to_string(),
        budget: slo.budget().ratio().to_string(),
        total: total.to_string(),
        threshold_seconds,
    })
}

/// Whether a metric is counted for each request, by the name that OpenTelemetry gives those.
#[must_use]
pub fn is_of_requests(metric: &str) -> bool {
    metric.starts_with("http_server_request_")
}
