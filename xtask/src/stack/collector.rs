//! A real OpenTelemetry collector as a process: the one that prints every span, for tests, and the one of
//! `observability/`, which passes on what it takes.
//!
//! Must never interpret a span: the test does.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::compose;
use super::part::Part;
use super::ports::Ports;
use super::restarted::restarted;
use crate::workspace::Workspace;

/// Prints every span whole.
const PRINTING: &str = "tools/collector/config.yaml";

/// Passes traces to a store and metrics to Prometheus.
const FORWARDING: &str = "observability/collector/config.yaml";

/// What the copy is called by which that one is started.
pub(super) const CONFIGURATION: &str = "collector.yaml";

/// The collector.
#[derive(Debug)]
pub(crate) struct Collector {
    part: Part,
    /// Where it takes OTLP over gRPC.
    pub(crate) grpc: SocketAddr,
    /// Where it takes OTLP over HTTP.
    pub(crate) http: SocketAddr,
}

/// One span as the collector prints it: `name : value` lines, then attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    block: String,
}

impl Collector {
    /// Starts the one that prints and waits until it takes connections.
    pub(crate) fn printing(workspace: &Workspace, folder: &Path) -> anyhow::Result<Self> {
        let (grpc, http) = (Ports::Free.address(0)?, Ports::Free.address(0)?);
        let mut command = Command::new(workspace.tool("otelcol"));
        command.arg("--config").arg(workspace.path(PRINTING));
        command.env("OTLP_GRPC", grpc.to_string()).env("OTLP_HTTP", http.to_string());
        Self::start("spans", command, folder, grpc, http)
    }

    /// Starts the one that passes on, by a copy of its configuration, and waits until it takes connections. When it ends
    /// it is started again. The number of its process is beside the configuration; its own metrics are at
    /// `telemetry`.
    pub(super) fn forwarding(
        workspace: &Workspace,
        folder: &Path,
        ports: Ports,
        telemetry: SocketAddr,
        traces: SocketAddr,
        prometheus: SocketAddr,
    ) -> anyhow::Result<Self> {
        let (grpc, http) = (ports.address(4317)?, ports.address(4318)?);
        let configuration = folder.join(CONFIGURATION);
        fs::copy(workspace.path(FORWARDING), &configuration).context(FORWARDING)?;
        let mut command = restarted(&configuration.with_added_extension("pid"));
        command.arg(workspace.tool("otelcol")).arg("--config").arg(&configuration);
        command.envs(compose::environment(workspace, "collector")?);
        command.env("OTLP_GRPC_LISTEN", grpc.to_string()).env("OTLP_HTTP_LISTEN", http.to_string());
        command.env("TELEMETRY_HOST", telemetry.ip().to_string());
        command.env("TELEMETRY_PORT", telemetry.port().to_string());
        command.env("TRACES_ENDPOINT", traces.to_string());
        command.env("METRICS_ENDPOINT", format!("http://{prometheus}"));
        Self::start("collector", command, folder, grpc, http)
    }

    fn start(
        name: &'static str,
        command: Command,
        folder: &Path,
        grpc: SocketAddr,
        http: SocketAddr,
    ) -> anyhow::Result<Self> {
        let mut part = Part::start(name, command, folder)?;
        part.ready(|part| Ok(part.written()?.contains("Everything is ready")))?;
        Ok(Self { part, grpc, http })
    }

    /// The spans that have reached the one that prints.
    pub(crate) fn spans(&self) -> anyhow::Result<Vec<Span>> {
        Ok(spans(&self.part.written()?))
    }
}

fn spans(printed: &str) -> Vec<Span> {
    printed.split("\nSpan #").skip(1).map(|block| Span { block: block.to_owned() }).collect()
}

impl Span {
    /// A field such as `Trace ID`, or an attribute such as `http.route` with its type: `Str(/api)`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.block.lines().find_map(|line| {
            let line = line.trim().trim_start_matches("-> ");
            let (key, value) = line.split_once(':')?;
            (key.trim_end() == name).then(|| value.trim())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::spans;

    const PRINTED: &str = "info Traces\nResourceSpans #0\nScopeSpans #0\nSpan #0\n    Trace ID       : 4bf9\n    \
        TraceState     : vendor=one\nAttributes:\n     -> http.route: Str(/api)\nSpan #1\n    Trace ID       : 77aa\n";

    #[test]
    fn a_span_has_its_own_fields_and_attributes() {
        let spans = spans(PRINTED);
        let ids: Vec<_> = spans.iter().map(|span| span.get("Trace ID")).collect();
        assert_eq!(ids, [Some("4bf9"), Some("77aa")]);
        let routes: Vec<_> = spans.iter().map(|span| span.get("http.route")).collect();
        assert_eq!(routes, [Some("Str(/api)"), None]);
    }
}
