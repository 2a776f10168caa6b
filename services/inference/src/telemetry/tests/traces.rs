//! Spans are exported in the background, and the end waits for them within a bound.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use clap::Parser;
use opentelemetry::trace::{Span, Tracer};
use opentelemetry_sdk::trace::SpanExporter;
use rstest::rstest;
use tracing_subscriber::layer::SubscriberExt;

use super::logs::Lines;
use crate::telemetry::traces::{self, OtlpEndpoint, OtlpProtocol, SampleRatio, Watched};
use crate::telemetry::{Telemetry, TelemetryConfig, logs};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

fn config(endpoint: &str, protocol: &str) -> TelemetryConfig {
    let arguments =
        ["test", "--otlp-endpoint", endpoint, "--otlp-protocol", protocol, "--trace-sample-ratio", "1"];
    Cli::try_parse_from(arguments).unwrap().telemetry
}

fn span(provider: &opentelemetry_sdk::trace::SdkTracerProvider) {
    traces::tracer(provider).start("POST /api").end();
}

/// Ends the provider as the service's end does; how long it took and whether spans were lost.
fn flush(provider: opentelemetry_sdk::trace::SdkTracerProvider) -> (Duration, bool) {
    let began = Instant::now();
    let lost =
        Telemetry { page: crate::telemetry::metrics::recorder().unwrap().1, provider }.flush().is_err();
    (began.elapsed(), lost)
}

#[rstest]
#[case::grpc("grpc")]
#[case::http("http")]
#[tokio::test]
async fn a_collector_that_never_answers_does_not_hold_the_end(#[case] protocol: &str) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    // Accepts by the kernel's backlog and never reads.
    let provider = traces::start(&config(&endpoint, protocol)).unwrap();
    span(&provider);
    let (took, lost) = flush(provider);
    assert!(lost);
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[rstest]
#[case::grpc("grpc")]
#[case::http("http")]
#[tokio::test]
async fn a_collector_that_is_down_costs_a_span_nothing(#[case] protocol: &str) {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let mut config = config(&endpoint, protocol);
    config.trace_queue = 16.try_into().unwrap();
    let provider = traces::start(&config).unwrap();
    let began = Instant::now();
    for _ in 0..10_000 {
        span(&provider);
    }
    // 10,000 spans into a queue of 16: dropped, not waited for. 100 µs each would be far too much already.
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let (took, _) = flush(provider);
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn spans_leave_by_http_on_the_path_of_the_specification() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let (sender, head) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut connection, _) = collector.accept().unwrap();
        let mut bytes = [0; 1024];
        let read = connection.read(&mut bytes).unwrap();
        sender.send(String::from_utf8_lossy(&bytes[..read]).into_owned()).unwrap();
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let provider = traces::start(&config(&endpoint, "http")).unwrap();
    span(&provider);
    let (_, lost) = flush(provider);
    assert!(!lost);
    let head = head.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
}

/// The blocking HTTP client is done when its future is first polled.
fn export(exporter: &Watched) -> bool {
    let export = std::pin::pin!(exporter.export(vec![]));
    matches!(export.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
}

#[test]
fn a_collector_that_is_down_is_said_once_and_so_is_its_return() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint: OtlpEndpoint = format!("http://{port}").parse().unwrap();
    let exporter = Watched::start(&endpoint, OtlpProtocol::Http).unwrap();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::filter::Targets::new().with_default(tracing::Level::INFO))
        .with(logs::text(lines.clone(), false));
    let _default = tracing::subscriber::set_default(subscriber);

    assert!(!export(&exporter));
    assert!(!export(&exporter));
    let said = lines.take();
    assert_eq!(said.matches("spans are not exported").count(), 1, "{said}");
    assert!(said.contains(&port.to_string()), "{said}");

    let collector = TcpListener::bind(port).unwrap();
    let served = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut connection, _) = collector.accept().unwrap();
            let _request = connection.read(&mut [0; 1024]).unwrap();
            connection
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        }
    });
    assert!(export(&exporter));
    assert!(export(&exporter));
    served.join().unwrap();
    let said = lines.take();
    assert_eq!(said.matches("spans are exported again").count(), 1, "{said}");
}

#[rstest]
#[case::no_scheme("127.0.0.1:4317", "http://HOST:PORT")]
#[case::tls("https://collector:4317", "not supported")]
#[case::not_a_url("http://", "URL")]
fn an_address_that_cannot_work_is_refused_with_a_reason(#[case] address: &str, #[case] reason: &str) {
    let error = address.parse::<OtlpEndpoint>().unwrap_err();
    assert!(error.contains(reason), "{error}");
}

#[rstest]
#[case::base("http://c:4318", OtlpProtocol::Http, "http://c:4318/v1/traces")]
#[case::base_with_slash("http://c:4318/", OtlpProtocol::Http, "http://c:4318/v1/traces")]
#[case::own_path("http://c:4318/in", OtlpProtocol::Http, "http://c:4318/in")]
#[case::grpc("http://c:4317", OtlpProtocol::Grpc, "http://c:4317/")]
fn an_address_is_completed(#[case] address: &str, #[case] protocol: OtlpProtocol, #[case] completed: &str) {
    assert_eq!(address.parse::<OtlpEndpoint>().unwrap().for_protocol(protocol), completed);
}

#[rstest]
#[case("-0.1")]
#[case("1.01")]
#[case("NaN")]
#[case("half")]
fn a_ratio_outside_0_to_1_is_refused(#[case] text: &str) {
    assert!(text.parse::<SampleRatio>().is_err());
}

#[test]
fn an_instance_is_a_random_uuid() {
    let (id, other) = (traces::instance_id(), traces::instance_id());
    let lengths: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert_eq!(&id[14..15], "4");
    assert!("89ab".contains(&id[19..20]));
    assert_ne!(id, other);
}
