//! Owns what the service tells about itself: logs, metrics, traces, and the middleware that observes each request.
//! It must never change an answer, make a request wait for whoever collects, or let a name of the metrics contract be
//! spelled anywhere else.

pub mod buckets;
pub mod catalogue;
pub mod events;
mod instruments;
mod logs;
pub mod metrics;
pub mod observe;
mod prober;
mod process;
mod series;
#[cfg(test)]
mod tests;
mod traces;

use std::num::NonZeroUsize;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use ::metrics::NoopRecorder;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use self::instruments::Instruments;
pub use self::logs::{LogConfig, LogFormat};
pub use self::metrics::{Declared, MetricsPage, Phase};
use self::prober::ProberInstruments;
pub use self::traces::{OtlpEndpoint, OtlpProtocol, SampleRatio};

/// How long the end of the process may wait for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Logs, traces and metrics.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryConfig {
    /// Log lines.
    #[command(flatten)]
    pub log: LogConfig,

    /// Where spans are sent by OTLP, e.g. `http://127.0.0.1:4317`; nothing is sent when it is absent
    #[arg(long, env = "INFERENCE_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<OtlpEndpoint>,

    /// How spans are sent: collectors listen for grpc on 4317 and for http on 4318
    #[arg(long, env = "INFERENCE_OTLP_PROTOCOL", value_enum, default_value_t = OtlpProtocol::Grpc)]
    pub otlp_protocol: OtlpProtocol,

    /// Share of the requests traced, from 0 to 1, when the caller hasn't decided in its `traceparent`
    #[arg(long, env = "INFERENCE_TRACE_SAMPLE_RATIO", default_value = "0.05")]
    pub trace_sample_ratio: SampleRatio,

    /// Finished spans that may wait for the collector; more are dropped
    #[arg(long, env = "INFERENCE_TRACE_QUEUE", default_value = "2048")]
    pub trace_queue: NonZeroUsize,

    /// `service.name` of the spans
    #[arg(long, env = "INFERENCE_SERVICE_NAME", default_value = "inference")]
    pub service_name: String,
}

/// Why telemetry did not start or end well.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter's directives can't be read.
    #[error(
        "--log-filter `{filter}` is not a list of directives such as `info,inference::listen=debug`: {reason}"
    )]
    LogFilter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The process already has a subscriber: telemetry is started once.
    #[error("telemetry was already started in this process")]
    AlreadyStarted,
    /// The metrics recorder can't be built.
    #[error("metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The span exporter can't be built.
    #[error("traces to {endpoint}: {reason}")]
    Traces {
        /// Where spans should have gone.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// Spans were lost at the end.
    #[error("the last spans were not exported: {0}")]
    Flush(String),
}

/// Whose fault an error was. A response that carries it as an extension is counted under it in the request
/// histogram's `error_source`, and only `server` and `dependency` may count against an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorSource {
    /// The request was wrong.
    Client,
    /// The request was right, but too much: a quota or a bound.
    Limit,
    /// The service failed.
    Server,
    /// Something that the service needs failed.
    Dependency,
}

impl ErrorSource {
    /// All sources.
    pub const ALL: [Self; 4] = [Self::Client, Self::Limit, Self::Server, Self::Dependency];

    /// The value of the label `error_source`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Limit => "limit",
            Self::Server => "server",
            Self::Dependency => "dependency",
        }
    }
}

/// What every request and every event needs: the handles and the tracer.
#[derive(Debug)]
struct Installed {
    instruments: Instruments,
    prober: ProberInstruments,
    tracer: SdkTracer,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Before the start, and in tests that don't care, events move nothing and spans go nowhere.
static SILENT: LazyLock<Installed> = LazyLock::new(|| Installed {
    instruments: Instruments::new(Box::new(NoopRecorder)),
    prober: ProberInstruments::default(),
    tracer: traces::tracer(&traces::silent()),
});

fn installed() -> &'static Installed {
    #[cfg(test)]
    if let Some(installed) = tests::installed_here() {
        return installed;
    }
    INSTALLED.get().unwrap_or_else(|| &SILENT)
}

/// The process's telemetry, from start to the last flush.
#[derive(Debug)]
pub struct Telemetry {
    page: MetricsPage,
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Installs logs, metrics and traces for the whole process.
    ///
    /// # Errors
    /// When the log filter can't be read, the exporter can't be built, or telemetry was started before. A collector
    /// that is down is no error.
    pub fn start(config: &TelemetryConfig) -> Result<Self, TelemetryError> {
        logs::install(&config.log)?;
        let provider = traces::start(config)?;
        let (recorder, page) = metrics::recorder()?;
        let installed = Installed {
            instruments: Instruments::new(Box::new(recorder)),
            prober: ProberInstruments::default(),
            tracer: traces::tracer(&provider),
        };
        INSTALLED.set(installed).map_err(|_| TelemetryError::AlreadyStarted)?;
        Ok(Self { page, provider })
    }

    /// Installs logs, and the metrics of a prober of these routes, for the whole process. No spans: what a prober asks
    /// is traced where it is answered.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_prober(log: &LogConfig, routes: &[&'static str]) -> Result<MetricsPage, TelemetryError> {
        logs::install(log)?;
        let (recorder, page) = metrics::recorder()?;
        let installed = Installed {
            instruments: Instruments::new(Box::new(NoopRecorder)),
            prober: ProberInstruments::new(&recorder, routes),
            tracer: traces::tracer(&traces::silent()),
        };
        INSTALLED.set(installed).map_err(|_| TelemetryError::AlreadyStarted)?;
        Ok(page)
    }

    /// The page of metrics, for the admin listener.
    #[must_use]
    pub fn metrics(&self) -> MetricsPage {
        self.page.clone()
    }

    /// Sends the spans that wait. Blocks for at most 3 s, whatever the collector does.
    ///
    /// # Errors
    /// When spans were lost.
    pub fn flush(self) -> Result<(), TelemetryError> {
        self.provider
            .shutdown_with_timeout(FLUSH_TIMEOUT)
            .map_err(|error| TelemetryError::Flush(error.to_string()))
    }
}
