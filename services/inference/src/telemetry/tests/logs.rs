//! Log lines carry the ids of the trace and of the span.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use axum::{Router, middleware};
use opentelemetry_sdk::trace::Sampler;
use tower::ServiceExt;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::Local;
use crate::telemetry::observe::observe;
use crate::telemetry::{ErrorSource, events, logs};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Lines that would have gone to stderr.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(super) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Sends a request whose handler fails, with the caller's trace and an id that needs escaping.
async fn fail(subscriber: impl Subscriber + Send + Sync) {
    Local::start(Sampler::AlwaysOff);
    let _default = tracing::subscriber::set_default(subscriber);
    let handler = || async {
        let internal = "the model said \"no\"\nand more";
        events::RequestRefused { code: "model-failed", source: ErrorSource::Server, internal: &internal }
            .emit();
    };
    let stack = Router::new().route("/fail", get(handler)).layer(middleware::from_fn(observe));
    let request = Request::get("/fail")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-00"))
        .header("x-request-id", r#"a"b\c"#);
    stack.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_json_line_of_a_request_has_its_ids_at_the_top() {
    let lines = Lines::default();
    fail(tracing_subscriber::registry().with(logs::json(lines.clone()))).await;
    let text = lines.take();
    let failed: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["level"] == "ERROR")
        .collect();
    let [line] = failed.as_slice() else { panic!("{text}") };
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["span_id"].as_str().unwrap().len(), 16);
    assert_ne!(line["span_id"], "00f067aa0ba902b7", "the request's own span, not the caller's");
    assert_eq!(line["request_id"], r#"a"b\c"#);
    assert_eq!(line["message"], "request failed");
    assert_eq!(line["code"], "model-failed");
    assert_eq!(line["source"], "server");
    assert_eq!(line["reason"], "the model said \"no\"\nand more");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_text_line_of_a_request_ends_with_its_ids() {
    let lines = Lines::default();
    fail(tracing_subscriber::registry().with(logs::text(lines.clone(), false))).await;
    let text = lines.take();
    let line = text.lines().find(|line| line.contains("trace_id=")).unwrap();
    assert!(text.contains(&format!(" trace_id={TRACE} span_id=")), "{text}");
    assert!(text.contains(r#" request_id=a"b\c"#), "{text}");
    assert!(line.contains("inference"), "{text}");
    assert!(text.contains(r#"\"no\"\nand more"#), "a text must not begin a line: {text}");
}

#[test]
fn a_line_outside_a_request_has_no_ids() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(logs::json(lines.clone()));
    tracing::subscriber::with_default(subscriber, || {
        events::ModelLoaded { model: "flights", sha256: "aa", opset: 15 }.emit();
    });
    let line: serde_json::Value = serde_json::from_str(&lines.take()).unwrap();
    assert_eq!(line["message"], "model loaded");
    assert_eq!(line.get("trace_id"), None);
}

#[test]
fn a_client_that_is_refused_can_not_fill_the_logs() {
    let lines = Lines::default();
    let filter = tracing_subscriber::filter::Targets::new().with_default(tracing::Level::INFO);
    let subscriber = tracing_subscriber::registry().with(filter).with(logs::text(lines.clone(), false));
    tracing::subscriber::with_default(subscriber, || {
        for source in [ErrorSource::Client, ErrorSource::Limit] {
            events::RequestRefused { code: "c", source, internal: &"reason" }.emit();
        }
        events::CallerRefused { method: "jwt", reason: "expired" }.emit();
        events::ConnectionRefused { reason: "limit" }.emit();
    });
    assert_eq!(lines.take(), "");
}
