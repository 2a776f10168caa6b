//! What the middleware says of a request: its id, its span, its metric.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use axum::{Router, middleware};
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::trace::{Sampler, SpanData};
use proptest::prelude::*;
use rstest::rstest;
use tower::ServiceExt;

use super::Local;
use crate::listen::Peer;
use crate::telemetry::ErrorSource;
use crate::telemetry::observe::{REQUEST_ID, RequestContext, observe};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A stack with a good route, a failing one, and one that refuses before a route is looked at.
fn stack() -> Router {
    let fail = || async {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(ErrorSource::Server);
        response
    };
    Router::new()
        .route("/api", post(|| async { "ok" }))
        .route("/models/{model}", get(|| async { "ok" }))
        .route("/fail", get(fail))
        .route("/context", get(|| async { RequestContext::current().unwrap().request_id().to_owned() }))
        .layer(middleware::from_fn(observe))
}

async fn send(request: axum::http::request::Builder) -> Response<Body> {
    stack().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn traced(flags: &str) -> axum::http::request::Builder {
    Request::post("/api").header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))
}

fn attribute(span: &SpanData, name: &'static str) -> Option<Value> {
    let named = |attribute: &&opentelemetry::KeyValue| attribute.key == Key::from_static_str(name);
    span.attributes.iter().find(named).map(|attribute| attribute.value.clone())
}

#[tokio::test]
async fn a_sampled_caller_gets_a_span_under_its_own() {
    let local = Local::start(crate::telemetry::traces::sampler("0".parse().unwrap()));
    send(traced("01").header("tracestate", "a=1,b=2").header("tracestate", "c=3")).await;
    let spans = local.spans();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(span.span_context.trace_id(), TraceId::from_hex(TRACE).unwrap());
    assert_eq!(span.parent_span_id, SpanId::from_hex(PARENT).unwrap());
    assert!(span.parent_span_is_remote);
    assert_eq!(span.span_context.trace_state().header(), "a=1,b=2,c=3");
    assert_eq!((span.name.as_ref(), &span.span_kind), ("POST /api", &SpanKind::Server));
}

#[rstest]
#[case::caller_says_no_though_we_would("00", "1", 0)]
#[case::caller_says_yes_though_we_would_not("01", "0", 1)]
#[tokio::test]
async fn the_callers_decision_counts(#[case] flags: &str, #[case] ratio: &str, #[case] spans: usize) {
    let local = Local::start(crate::telemetry::traces::sampler(ratio.parse().unwrap()));
    send(traced(flags)).await;
    assert_eq!(local.spans().len(), spans);
}

#[tokio::test]
async fn without_a_decision_the_ratio_draws() {
    let local = Local::start(crate::telemetry::traces::sampler("0.5".parse().unwrap()));
    for _ in 0..400 {
        send(Request::post("/api")).await;
    }
    // Binomial with n = 400 and p = 0.5: outside 6 standard deviations once in 500 million runs.
    assert!((140..=260).contains(&local.spans().len()), "{} of 400", local.spans().len());
}

#[rstest]
#[case::too_short("00-4bf9-00f067aa0ba902b7-01")]
#[case::zeros("00-00000000000000000000000000000000-0000000000000000-01")]
#[case::signed("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
#[case::not_hex("00-zzf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
#[tokio::test]
async fn a_broken_traceparent_starts_a_new_trace(#[case] traceparent: &str) {
    let local = Local::start(crate::telemetry::traces::sampler("1".parse().unwrap()));
    send(Request::post("/api").header("traceparent", traceparent)).await;
    let spans = local.spans();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_ne!(span.span_context.trace_id(), TraceId::INVALID);
    assert_ne!(span.span_context.trace_id(), TraceId::from_hex("4bf9").unwrap());
}

#[tokio::test]
async fn a_span_says_what_opentelemetry_asks_of_a_server() {
    let local = Local::start(Sampler::AlwaysOn);
    let request = Request::get("/models/flights")
        .header("host", "puntual.example:8080")
        .header("user-agent", format!("curl/{}", "8".repeat(400)))
        .extension(Peer { address: "192.0.2.7:5000".parse().unwrap(), certificate: None });
    send(request).await;
    let spans = local.spans();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(span.name, "GET /models/{model}");
    for (name, value) in [
        ("http.request.method", Value::from("GET")),
        ("http.route", Value::from("/models/{model}")),
        ("http.response.status_code", Value::from(200)),
        ("url.path", Value::from("/models/flights")),
        ("url.scheme", Value::from("http")),
        ("server.address", Value::from("puntual.example")),
        ("server.port", Value::from(8080)),
        ("client.address", Value::from("192.0.2.7")),
        ("client.port", Value::from(5000)),
        ("network.protocol.version", Value::from("1.1")),
    ] {
        assert_eq!(attribute(span, name), Some(value), "{name}");
    }
    assert_eq!(attribute(span, "user_agent.original").unwrap().as_str().len(), 256);
    assert_eq!(attribute(span, "error.type"), None);
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn only_a_server_error_fails_the_span() {
    let local = Local::start(Sampler::AlwaysOn);
    send(Request::get("/fail")).await;
    send(Request::get("/nowhere")).await;
    send(Request::delete("/fail")).await;
    let spans = local.spans();
    let [failed, unknown, refused] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(attribute(failed, "error.type"), Some(Value::from("500")));
    assert!(matches!(failed.status, Status::Error { .. }));
    assert_eq!((unknown.name.as_ref(), attribute(unknown, "http.route")), ("GET", None));
    assert_eq!(unknown.status, Status::Unset);
    assert_eq!((refused.name.as_ref(), attribute(refused, "error.type")), ("DELETE /fail", None));
}

#[rstest]
#[case::good("POST", "/api", "/api", "POST", 200, "")]
#[case::template("GET", "/models/flights", "/models/{model}", "GET", 200, "")]
#[case::failed("GET", "/fail", "/fail", "GET", 500, "server")]
#[case::unknown_path("GET", "/a/b/c", "", "GET", 404, "")]
#[case::invented_method("BREW", "/api", "/api", "_OTHER", 405, "")]
#[tokio::test]
async fn a_request_is_counted_under(
    #[case] sent: &str,
    #[case] path: &str,
    #[case] route: &str,
    #[case] method: &str,
    #[case] status: u16,
    #[case] source: &str,
) {
    let local = Local::start(Sampler::AlwaysOff);
    for _ in 0..2 {
        send(Request::builder().method(sent).uri(path)).await;
    }
    let series = format!(
        "http_server_request_duration_seconds_count{{http_route=\"{route}\",http_request_method=\"{method}\",\
         http_response_status_code=\"{status}\",error_source=\"{source}\"}}"
    );
    assert_eq!(local.value(&series), Some(2.0), "{}", local.page.render());
    assert_eq!(local.value("http_server_active_requests"), Some(0.0));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_active() {
    let local = Local::start(Sampler::AlwaysOn);
    let never =
        Router::new().route("/never", get(std::future::pending::<()>)).layer(middleware::from_fn(observe));
    let mut answer = Box::pin(never.oneshot(Request::get("/never").body(Body::empty()).unwrap()));
    assert!(futures_poll(&mut answer).await);
    assert_eq!(local.value("http_server_active_requests"), Some(1.0));
    drop(answer);
    assert_eq!(local.value("http_server_active_requests"), Some(0.0));
    let spans = local.spans();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(attribute(span, "error.type"), Some(Value::from("client_disconnected")));
}

/// Polls once; whether it is still pending.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}

#[tokio::test]
async fn the_handler_sees_the_id_that_the_client_gets() {
    Local::start(Sampler::AlwaysOff);
    let response = send(Request::get("/context").header(REQUEST_ID, "abc-123")).await;
    assert_eq!(response.headers()[REQUEST_ID], "abc-123");
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "abc-123");
}

#[tokio::test]
async fn each_request_gets_its_own_id() {
    Local::start(Sampler::AlwaysOff);
    let first = send(Request::post("/api")).await.headers()[REQUEST_ID].clone();
    let second = send(Request::post("/api")).await.headers()[REQUEST_ID].clone();
    assert_eq!((first.len(), second.len()), (32, 32));
    assert_ne!(first, second);
}

proptest! {
    /// Whatever a client sends, what comes back is short and visible, and its own id only if that is.
    #[test]
    fn an_id_never_carries_control_characters(sent in prop::collection::vec(any::<u8>(), 0..100)) {
        let Ok(header) = axum::http::HeaderValue::from_bytes(&sent) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(send(Request::post("/api").header(REQUEST_ID, header)));
        let returned = response.headers()[REQUEST_ID].as_bytes();
        prop_assert!((1..=64).contains(&returned.len()));
        prop_assert!(returned.iter().all(u8::is_ascii_graphic));
        let good = (1..=64).contains(&sent.len()) && sent.iter().all(u8::is_ascii_graphic);
        prop_assert_eq!(returned == sent.as_slice(), good);
    }
}
