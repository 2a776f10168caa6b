//! What a collector is told of a run, and what becomes of a run whose collector is not there. The real collector is asked by
//! `cargo xtask e2e observability`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use prost::Message as _;

use crate::harness::{Scenario, run_with_token};
use crate::server::Server;

const SCENARIO: Scenario = Scenario {
    rate: 200,
    connections: 20,
    threads: 8,
    seconds: 2,
    field: "array",
    timeout: "300ms",
    routes: &["api", "api"],
    credentials: "bearer",
    objectives: &[],
};

type Told = Arc<Mutex<Vec<ExportMetricsServiceRequest>>>;

/// A receiver, and what it was told.
#[expect(clippy::disallowed_methods, reason = "a test's own server has one client")]
fn receiver() -> (tokio::runtime::Runtime, SocketAddr, Told) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let told = Told::default();
    let note = Arc::clone(&told);
    let app = Router::new().route(
        "/v1/metrics",
        post(move |body: Bytes| async move {
            note.lock().unwrap().push(ExportMetricsServiceRequest::decode(body).unwrap());
        }),
    );
    runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (runtime, address, told)
}

/// The values of a counter, one after the other, with their times in nanoseconds.
fn counter(request: &ExportMetricsServiceRequest, name: &str) -> Vec<(u64, i64)> {
    let metrics = request.resource_metrics.iter().flat_map(|of| &of.scope_metrics).flat_map(|of| &of.metrics);
    let points = metrics.filter(|metric| metric.name == name).flat_map(|metric| match &metric.data {
        Some(metric::Data::Sum(sum)) => sum.data_points.as_slice(),
        _ => &[],
    });
    points
        .filter_map(|point| match point.value? {
            number_data_point::Value::AsInt(value) => Some((point.time_unix_nano, value)),
            number_data_point::Value::AsDouble(_) => None,
        })
        .collect()
}

#[test]
fn a_collector_is_told_of_each_second_and_each_phase_goes_on_where_the_last_one_ended() {
    let (_runtime, collector, told) = receiver();
    let server = Server::Right.start();
    let ran = run_with_token(
        &SCENARIO.yaml(),
        server.address,
        &["--otlp-endpoint", &format!("http://{collector}")],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = told.lock().unwrap();
    let [first, second] = &told[..] else { panic!("{told:?}") };
    let values =
        |request, name| counter(request, name).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(values(first, "loadtest_offered_requests"), [0, 200, 400]);
    assert_eq!(values(second, "loadtest_offered_requests"), [400, 600, 800]);
    let delivered = ran.result.unwrap().measurement().answers();
    assert_eq!(values(second, "loadtest_delivered_requests")[2], delivered.cast_signed());
    let times: Vec<_> = [first, second]
        .iter()
        .flat_map(|request| counter(request, "loadtest_wrong_answers"))
        .map(|(at, wrong)| {
            assert_eq!(wrong, 0);
            at
        })
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_collector_that_is_not_there_changes_nothing_of_a_run() {
    let server = Server::Right.start();
    let ran = run_with_token(&SCENARIO.yaml(), server.address, &["--otlp-endpoint", "http://127.0.0.1:1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.said.contains("http://127.0.0.1:1/v1/metrics was not told what was seen: "), "{ran:?}");
}
