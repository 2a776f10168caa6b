//! What a load test would send through the collector, so that the way from OTLP to Prometheus is walked and the load
//! test's dashboard has something to show.

use std::net::SocketAddr;

use anyhow::ensure;
use serde_json::{Value, json};

use crate::stack::{Http, Prometheus, seconds_since_1970 as now};

/// Reports of one run, and the seconds between them.
const REPORTS: u32 = 40;
const PAUSE: f64 = 0.25;

/// Requests from one report to the next.
const REQUESTS: u32 = 25;

/// Sends the reports of the last ten seconds.
pub(super) fn send(collector: SocketAddr) -> anyhow::Result<()> {
    let begun = f64::from(REPORTS).mul_add(-PAUSE, now());
    let points = |each: fn(u32) -> Value| -> Vec<Value> {
        (0..REPORTS)
            .map(|number| {
                let mut point = each(number * REQUESTS);
                let at = f64::from(number).mul_add(PAUSE, begun);
                if let Some(fields) = point.as_object_mut() {
                    fields.insert("timeUnixNano".to_owned(), nanoseconds(at).into());
                    fields.insert("startTimeUnixNano".to_owned(), nanoseconds(begun).into());
                }
                point
            })
            .collect()
    };
    let counter = |name: &str, each| {
        let sum = json!({"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points(each)});
        json!({"name": name, "sum": sum})
    };
    let durations = json!({"aggregationTemporality": 2, "dataPoints": points(|count| json!({
        "count": count.to_string(), "sum": f64::from(count) * 0.002,
        "explicitBounds": [0.001, 0.005, 0.025],
        "bucketCounts": ["0", count.to_string(), "0", "0"],
    }))});
    let metrics = [
        counter("loadtest_offered_requests", |count| json!({"asInt": count.to_string()})),
        counter("loadtest_delivered_requests", |count| json!({"asInt": count.to_string()})),
        counter("loadtest_wrong_answers", |_| json!({"asInt": "0"})),
        json!({"name": "loadtest_request_duration", "unit": "s", "histogram": durations}),
    ];
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource = [
        attribute("service.name", "loadtest"),
        attribute("run_id", "e2e"),
        attribute("scenario", "observability"),
        attribute("commit", "none"),
    ];
    let body = json!({"resourceMetrics": [{
        "resource": {"attributes": resource},
        "scopeMetrics": [{"metrics": metrics}],
    }]});
    Http::to(collector).post("/v1/metrics", &body)
}

fn nanoseconds(seconds: f64) -> String {
    format!("{:.0}", seconds * 1e9)
}

/// Whether all of it has arrived.
pub(super) fn has_arrived(prometheus: &Prometheus) -> anyhow::Result<bool> {
    let sent = f64::from((REPORTS - 1) * REQUESTS);
    let labels = "{run_id=\"e2e\",scenario=\"observability\",commit=\"none\"}";
    for metric in ["loadtest_offered_requests_total", "loadtest_request_duration_seconds_count"] {
        let Some(value) = prometheus.value(&format!("{metric}{labels}"))? else { return Ok(false) };
        ensure!(value <= sent, "{metric} is {value}, and {sent} was sent");
        if value < sent {
            return Ok(false);
        }
    }
    Ok(true)
}
