//! Owns what is seen of one request from outside: its id, its server span, its place in the metrics, and the ids on its
//! log lines. It must never read a body, change an answer apart from `x-request-id`, or cost a request that isn't
//! traced more than a few microseconds.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::{HOST, USER_AGENT};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, Tracer};
use opentelemetry::{Context, KeyValue, SpanId, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Span};

use super::instruments::Outcome;
use super::{ErrorSource, Installed, installed};
use crate::listen::Peer;

/// The header by which a request is told from all others, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id of a client is not taken over.
const REQUEST_ID_CHARS: usize = 64;

/// What a client sends is cut to this many bytes in a span, so that a full queue of spans has a size.
const ATTRIBUTE_BYTES: usize = 256;

/// What a method that is none of [`METHODS`] is counted as.
pub(super) const OTHER_METHOD: &str = "_OTHER";

/// The methods that are counted under their own names, the most frequent first.
pub(super) const METHODS: [&str; 9] =
    ["POST", "GET", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The ids of the request that is being worked on.
///
/// A task-local value rather than a `tracing` span: a span formats its fields for every request, a line in it or not,
/// and disappears with a stricter log filter, taking the ids of the error lines with it.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The trace that the request belongs to: the caller's, or a new one.
    pub trace_id: TraceId,
    /// The request's own span.
    pub span_id: SpanId,
    request_id: HeaderValue,
}

impl RequestContext {
    /// The request that the current task works on, if it does.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The value of `x-request-id`: visible ASCII, at most 64 characters.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

/// Observes a request: the outermost layer of the stack, so that refusals of every other layer are seen.
pub async fn observe(request: Request, next: Next) -> Response {
    let (observed, context) = Observed::begin(installed(), &request);
    let request_id = context.request_id.clone();
    let answered = async move { observed.end(next.run(request).await, request_id) };
    CURRENT.scope(context, answered).await
}

/// A request between its head and its answer. Dropped without an answer when the client goes away.
struct Observed {
    installed: &'static Installed,
    began: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
    span: Span,
}

impl Observed {
    fn begin(installed: &'static Installed, request: &Request) -> (Self, RequestContext) {
        installed.instruments.active_requests.increment(1.0);
        let began = Instant::now();
        let headers = request.headers();
        let method = method(request.method());
        let caller = match Caller::of(headers) {
            Some(caller) => TraceContextPropagator::new().extract_with_context(&Context::new(), &caller),
            None => Context::new(),
        };
        let builder = SpanBuilder::from_name(method).with_kind(SpanKind::Server);
        let mut span = installed.tracer.build_with_context(builder, &caller);
        if span.is_recording() {
            span.set_attributes(request_attributes(request, method));
        }
        let context = RequestContext {
            trace_id: span.span_context().trace_id(),
            span_id: span.span_context().span_id(),
            request_id: request_id(headers),
        };
        let route = request.extensions().get::<MatchedPath>().cloned();
        (Self { installed, began, method, route, span }, context)
    }

    fn end(mut self, mut response: Response, request_id: HeaderValue) -> Response {
        let route = self.route.as_ref().map_or("", MatchedPath::as_str);
        let outcome = Outcome {
            method: self.method,
            status: response.status().as_u16(),
            source: response.extensions().get::<ErrorSource>().copied(),
        };
        let took = self.began.elapsed();
        self.installed.instruments.request(route, outcome, |histogram| histogram.record(took));
        tracing::debug!(method = outcome.method, route, status = outcome.status, ?took, "request answered");
        if self.span.is_recording() {
            let name = if route.is_empty() {
                outcome.method.to_owned()
            } else {
                format!("{} {route}", outcome.method)
            };
            self.span.update_name(name);
            if !route.is_empty() {
                self.span.set_attribute(KeyValue::new("http.route", route.to_owned()));
            }
            self.span.set_attribute(KeyValue::new("http.response.status_code", i64::from(outcome.status)));
            if response.status().is_server_error() {
                self.span.set_attribute(KeyValue::new("error.type", outcome.status.to_string()));
                self.span.set_status(Status::error(""));
            }
        }
        self.span.end();
        response.headers_mut().insert(REQUEST_ID, request_id);
        response
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.installed.instruments.active_requests.decrement(1.0);
        // Still recording: nobody called `end`. The request has no status, so it is in no histogram.
        if self.span.is_recording() {
            self.span.set_attribute(KeyValue::new("error.type", "client_disconnected"));
        }
    }
}

/// OpenTelemetry's closed set of methods; anything else would let a client make label values.
fn method(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER_METHOD)
}

/// The client's id if it is safe to write into logs and headers, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let visible = |value: &&HeaderValue| {
        (1..=REQUEST_ID_CHARS).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(REQUEST_ID).filter(visible).cloned().unwrap_or_else(new_request_id)
}

/// 128 random bits in hex.
fn new_request_id() -> HeaderValue {
    let id = RandomIdGenerator::default().new_trace_id().to_string();
    HeaderValue::from_maybe_shared(bytes::Bytes::from(id)).unwrap_or(HeaderValue::from_static("unknown"))
}

/// What is known of a request before it is worked on, by OpenTelemetry's conventions for HTTP servers.
fn request_attributes(request: &Request, method: &'static str) -> Vec<KeyValue> {
    let headers = request.headers();
    let mut attributes = Vec::with_capacity(14);
    attributes.push(KeyValue::new("http.request.method", method));
    if method == OTHER_METHOD {
        attributes.push(KeyValue::new("http.request.method_original", cut(request.method().as_str())));
    }
    attributes.push(KeyValue::new("url.path", cut(request.uri().path())));
    attributes.push(KeyValue::new("url.scheme", request.uri().scheme_str().unwrap_or("http").to_owned()));
    attributes.push(KeyValue::new("network.protocol.version", version(request.version())));
    if let Some(authority) = authority(request) {
        attributes.push(KeyValue::new("server.address", cut(authority.host())));
        if let Some(port) = authority.port_u16() {
            attributes.push(KeyValue::new("server.port", i64::from(port)));
        }
    }
    if let Some(Peer { address: peer, .. }) = request.extensions().get::<Peer>() {
        let address: SocketAddr = *peer;
        attributes.push(KeyValue::new("client.address", address.ip().to_string()));
        // A proxy does not say it.
        if address.port() != 0 {
            attributes.push(KeyValue::new("client.port", i64::from(address.port())));
        }
    }
    if let Some(agent) = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()) {
        attributes.push(KeyValue::new("user_agent.original", cut(agent)));
    }
    attributes
}

/// HTTP/2 says who is asked in the URI, HTTP/1 in a header.
fn authority(request: &Request) -> Option<Authority> {
    match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => Authority::try_from(request.headers().get(HOST)?.as_bytes()).ok(),
    }
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(ATTRIBUTE_BYTES)).unwrap_or(text).to_owned()
}

/// The caller's trace context. `tracestate` may come in several lines, which are one list.
struct Caller<'a> {
    traceparent: &'a str,
    tracestate: String,
}

impl<'a> Caller<'a> {
    /// None without a `traceparent`, or with one whose parts aren't the digits of W3C Trace Context §3.2: the
    /// propagator would read `1` or `+1` as an id with leading zeros.
    fn of(headers: &'a HeaderMap) -> Option<Self> {
        let traceparent = headers.get("traceparent")?.to_str().ok()?;
        let lengths = traceparent.split('-').map(str::len);
        if !lengths.take(4).eq([2, 32, 16, 2]) || traceparent.contains('+') {
            return None;
        }
        let lines = headers.get_all("tracestate").iter().filter_map(|line| line.to_str().ok());
        Some(Self { traceparent, tracestate: lines.collect::<Vec<_>>().join(",") })
    }
}

impl Extractor for Caller<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        match name {
            "traceparent" => Some(self.traceparent),
            "tracestate" => Some(&self.tracestate),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
