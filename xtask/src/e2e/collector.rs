//! A real OpenTelemetry collector as a process, and what it printed about the spans that reached it.
//!
//! It is killed when its owner lets go of it. Must never interpret a span: the test does.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::workspace::Workspace;
use crate::{process, wait};

/// What it runs with; it prints every span whole.
const CONFIG: &str = "tools/collector/config.yaml";

const START_LIMIT: Duration = Duration::from_secs(20);

/// The collector.
#[derive(Debug)]
pub(super) struct Collector {
    child: Child,
    folder: TempDir,
    /// Where it takes OTLP over gRPC.
    pub(super) grpc: SocketAddr,
    /// Where it takes OTLP over HTTP.
    pub(super) http: SocketAddr,
}

/// One span as the collector prints it: `name : value` lines, then attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    block: String,
}

impl Collector {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (grpc, http) = (free_address()?, free_address()?);
        let child = Command::new(workspace.tool("otelcol"))
            .arg("--config")
            .arg(workspace.path(CONFIG))
            .env("OTLP_GRPC", grpc.to_string())
            .env("OTLP_HTTP", http.to_string())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout"))?)
            .stderr(File::create(folder.path().join("stderr"))?)
            .spawn()
            .context("cannot start the collector")?;
        let mut collector = Self { child, folder, grpc, http };
        wait::until("the collector to be ready", START_LIMIT, || {
            if let Some(status) = collector.child.try_wait()? {
                bail!("the collector ended at its start: {status}\n{}", collector.printed()?);
            }
            Ok(collector.printed()?.contains("Everything is ready").then_some(()))
        })?;
        Ok(collector)
    }

    /// The spans that have reached it.
    pub(super) fn spans(&self) -> anyhow::Result<Vec<Span>> {
        Ok(spans(&self.printed()?))
    }

    fn printed(&self) -> anyhow::Result<String> {
        let text = |name| std::fs::read_to_string(self.folder.path().join(name));
        Ok(text("stdout")? + &text("stderr")?)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An address on loopback that nobody listens on now.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?)))
}

fn spans(printed: &str) -> Vec<Span> {
    printed.split("\nSpan #").skip(1).map(|block| Span { block: block.to_owned() }).collect()
}

impl Span {
    /// A field such as `Trace ID`, or an attribute such as `http.route` with its type: `Str(/api)`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
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
