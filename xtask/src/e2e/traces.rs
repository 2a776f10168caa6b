//! Tracing with a real OpenTelemetry collector on the other side: our span stands under the caller's trace, and a
//! collector that is down is nobody's problem but its own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::E2e;
use crate::artifact;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, Answer, KeepAlive};
use crate::outcome::Outcome;
use crate::process::free_address;
use crate::service::Service;
use crate::stack::{Collector, Span};
use crate::workspace::Workspace;

/// The traces of three callers: one that wants its trace recorded, one that does not, one whose request is refused.
/// The first is the example of the W3C's Trace Context.
const SAMPLED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNSAMPLED: &str = "0af7651916cd43dd8448eb211c80319c";
const REFUSED: &str = "80e1afed08e019fc1110464cfa66635c";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

/// Requests while the collector is down: some batches full.
const WITHOUT_COLLECTOR: usize = 2000;

/// The service waits 3 s for a collector at its end; a machine that is busy gets the rest.
const STOP_WITHOUT_COLLECTOR: Duration = Duration::from_secs(10);

/// `cargo xtask e2e traces`
pub(crate) const TEST: E2e = E2e {
    name: "traces",
    summary: "a real collector shows our spans under the caller's trace, by gRPC and HTTP; without it all goes on",
    needs: &["otelcol"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let row = golden.first().context("no golden row")?;
    for protocol in ["grpc", "http"] {
        reaches_the_collector(workspace, &binary, row, protocol).context(protocol)?;
        goes_on_without_a_collector(&binary, row, protocol).context(protocol)?;
    }
    Ok(Outcome::Passed)
}

fn reaches_the_collector(
    workspace: &Workspace,
    binary: &Path,
    row: &Golden,
    protocol: &str,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::printing(workspace, folder.path())?;
    let address = if protocol == "grpc" { collector.grpc } else { collector.http };
    let endpoint = format!("http://{address}");
    // Ratio 0: what is exported is what a caller asked for.
    let options = ["--otlp-endpoint", &endpoint, "--otlp-protocol", protocol, "--trace-sample-ratio", "0"];
    // A refusal is the caller's business: its line is one for debugging.
    let log = ["--log-format", "json", "--log-filter", "info,inference=debug"];
    let service = Service::start(binary, &[&options[..], &log].concat())?;

    is_right(&send(&service, &row.body, SAMPLED, "01")?, row)?;
    is_right(&send(&service, &row.body, UNSAMPLED, "00")?, row)?;
    let nobodys = keep_alive::post(service.ready(), "/api", &[], &row.body);
    is_right(&KeepAlive::open(service.ready().api)?.send(&nobodys)?, row)?;
    let refusal = send(&service, "[]", REFUSED, "01")?;
    ensure!((400..500).contains(&refusal.status), "{refusal:?}");
    let log = service.stop()?.stderr;

    let spans = collector.spans()?;
    let [answered, refused] = spans.as_slice() else {
        bail!("the collector was sent {} spans instead of the 2 sampled ones: {spans:?}", spans.len());
    };
    shows_the_request(answered, SAMPLED)?;
    expect(answered, "http.response.status_code", "Int(200)")?;
    expect(answered, "Status code", "Unset")?;
    shows_the_request(refused, REFUSED)?;
    expect(refused, "http.response.status_code", &format!("Int({})", refusal.status))?;

    // The log says which trace its lines belong to.
    let line = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|line| line.get("trace_id").is_some_and(|id| id == REFUSED))
        .with_context(|| format!("no log line of the refused request:\n{log}"))?;
    let span_id = line.get("span_id").and_then(serde_json::Value::as_str);
    ensure!(
        span_id.is_some() && span_id == refused.get("ID"),
        "the log names the span {span_id:?}: {refused:?}"
    );
    Ok(())
}

/// OpenTelemetry's HTTP attributes, and the caller as parent.
fn shows_the_request(span: &Span, trace: &str) -> anyhow::Result<()> {
    for (name, value) in [
        ("Trace ID", trace),
        ("Parent ID", CALLERS_SPAN),
        ("TraceState", "vendor=one"),
        ("Name", "POST /api"),
        ("Kind", "Server"),
        ("http.request.method", "Str(POST)"),
        ("http.route", "Str(/api)"),
        ("url.path", "Str(/api)"),
        ("url.scheme", "Str(http)"),
        ("server.address", "Str(127.0.0.1)"),
        ("client.address", "Str(127.0.0.1)"),
        ("network.protocol.version", "Str(1.1)"),
        ("user_agent.original", "Str(e2e)"),
    ] {
        expect(span, name, value)?;
    }
    Ok(())
}

fn expect(span: &Span, name: &str, value: &str) -> anyhow::Result<()> {
    let got = span.get(name);
    ensure!(got == Some(value), "{name} is {got:?} instead of {value:?} in {span:?}");
    Ok(())
}

fn goes_on_without_a_collector(binary: &Path, row: &Golden, protocol: &str) -> anyhow::Result<()> {
    let endpoint = format!("http://{}", free_address()?);
    let options = ["--otlp-endpoint", &endpoint, "--otlp-protocol", protocol, "--trace-sample-ratio", "1"];
    let service = Service::start(binary, &options)?;
    let request = keep_alive::post(service.ready(), "/api", &[], &row.body);
    let mut connection = KeepAlive::open(service.ready().api)?;
    for _ in 0..WITHOUT_COLLECTOR {
        is_right(&connection.send(&request)?, row)?;
    }
    drop(connection);
    let begun = Instant::now();
    service.stop()?;
    let took = begun.elapsed();
    ensure!(took < STOP_WITHOUT_COLLECTOR, "without a collector the service took {took:?} to stop");
    Ok(())
}

/// A request of a caller that has a trace; `flags` is `01` when it is recorded.
fn send(service: &Service, body: &str, trace: &str, flags: &str) -> anyhow::Result<Answer> {
    let traceparent = format!("00-{trace}-{CALLERS_SPAN}-{flags}");
    let headers =
        [("traceparent", traceparent.as_str()), ("tracestate", "vendor=one"), ("user-agent", "e2e")];
    let request = keep_alive::post(service.ready(), "/api", &headers, body);
    KeepAlive::open(service.ready().api)?.send(&request)
}

fn is_right(answer: &Answer, row: &Golden) -> anyhow::Result<()> {
    ensure!(answer.status == 200 && answer.body == row.answer, "{} was answered by {answer:?}", row.body);
    Ok(())
}
