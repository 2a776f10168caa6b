//! Owns how spans leave the process: sampling, the bounded queue, OTLP, and what is said when the collector is down.
//! It must never block a request: what doesn't fit the queue is dropped.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::Uri;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, RandomIdGenerator, Sampler, SdkTracer,
    SdkTracerProvider, SpanData,
};
use tokio::runtime;
use tokio::sync::oneshot;

use super::{TelemetryConfig, TelemetryError, events};

/// How long one batch may take, connecting and retries included. A collector beside us answers in milliseconds; one
/// that doesn't must not hold the queue. Longer than the last flush waits: an export that ends first, without success,
/// is not told of by the SDK, so that spans would be lost without a word.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the queue is emptied when it doesn't fill a batch before.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Spans in one batch, OpenTelemetry's own default.
const BATCH_SPANS: usize = 512;

/// How spans are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OtlpProtocol {
    /// OTLP over gRPC
    Grpc,
    /// OTLP over HTTP with protobuf bodies
    Http,
}

/// The collector's address. The collector runs beside the service, so TLS is not compiled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpEndpoint(Uri);

impl FromStr for OtlpEndpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri =
            text.parse().map_err(|error| format!("not a URL such as http://127.0.0.1:4317: {error}"))?;
        match uri.scheme_str() {
            Some("http") => Ok(Self(uri)),
            Some("https") => {
                Err("https is not supported: send to a collector on the same host or pod over http, \
                                  which may forward over TLS"
                    .to_owned())
            }
            _ => Err("has no scheme; write http://HOST:PORT".to_owned()),
        }
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl OtlpEndpoint {
    /// OTLP over HTTP has a path for traces; a base address gets it appended, as the specification says.
    pub(super) fn for_protocol(&self, protocol: OtlpProtocol) -> String {
        match protocol {
            OtlpProtocol::Http if self.0.path() == "/" => {
                format!("{}/v1/traces", self.to_string().trim_end_matches('/'))
            }
            OtlpProtocol::Http | OtlpProtocol::Grpc => self.to_string(),
        }
    }
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SampleRatio(f64);

impl FromStr for SampleRatio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(Self(ratio)),
            _ => Err("not a number from 0 to 1".to_owned()),
        }
    }
}

/// Gives requests their ids and records nothing.
pub(super) fn silent() -> SdkTracerProvider {
    SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build()
}

/// The tracer of the service's own spans.
pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    let scope = InstrumentationScope::builder("inference").with_version(env!("CARGO_PKG_VERSION")).build();
    provider.tracer_with_scope(scope)
}

/// The caller's decision counts; only requests without one are drawn.
pub(super) fn sampler(ratio: SampleRatio) -> Sampler {
    Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio.0)))
}

/// Starts the export, if there is somewhere to export to.
pub(super) fn start(config: &TelemetryConfig) -> Result<SdkTracerProvider, TelemetryError> {
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(silent());
    };
    let exporter = Watched::start(endpoint, config.otlp_protocol)
        .map_err(|reason| TelemetryError::Traces { endpoint: endpoint.to_string(), reason })?;
    let queue = config.trace_queue.get();
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(queue)
        .with_max_export_batch_size(BATCH_SPANS.min(queue))
        .with_scheduled_delay(EXPORT_INTERVAL)
        .build();
    Ok(SdkTracerProvider::builder()
        .with_sampler(sampler(config.trace_sample_ratio))
        .with_resource(resource(config.service_name.clone()))
        .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
        .build())
}

fn resource(service_name: String) -> Resource {
    Resource::builder()
        .with_service_name(service_name)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance_id()))
        .build()
}

/// A random UUID, version 4, as the semantic conventions recommend where nothing stable is known.
pub(super) fn instance_id() -> String {
    let bits = u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0x0fff | 0x4000,
        bits >> 48 & 0x3fff | 0x8000,
        bits & 0xffff_ffff_ffff
    )
}

/// The OTLP exporter, bounded in time, that says once when the collector stops taking spans and once when it takes
/// them again. OpenTelemetry's own messages are compiled out: they come with every batch.
pub(super) struct Watched {
    inner: SpanExporter,
    endpoint: String,
    failing: AtomicBool,
    /// gRPC needs a runtime to live in. It has its own, so that neither a busy service delays the export nor a flush
    /// that blocks the service's only thread waits for itself. Ends when the exporter is dropped.
    runtime: Option<(runtime::Handle, oneshot::Sender<()>)>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Watched {
    pub(super) fn start(endpoint: &OtlpEndpoint, protocol: OtlpProtocol) -> Result<Self, String> {
        let endpoint = endpoint.for_protocol(protocol);
        let (inner, runtime) = match protocol {
            OtlpProtocol::Http => (http(&endpoint)?, None),
            OtlpProtocol::Grpc => {
                let (inner, handle, stop) = grpc(&endpoint)?;
                (inner, Some((handle, stop)))
            }
        };
        Ok(Self { inner, endpoint, failing: AtomicBool::new(false), runtime })
    }

    /// The HTTP client ends each try at the timeout; gRPC waits for a connection without one, so it gets ours.
    async fn bounded(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let export = opentelemetry_sdk::trace::SpanExporter::export(&self.inner, batch);
        let Some((handle, _)) = &self.runtime else {
            return export.await;
        };
        let bounded = {
            let _runtime = handle.enter();
            tokio::time::timeout(EXPORT_TIMEOUT, export)
        };
        bounded.await.unwrap_or(Err(OTelSdkError::Timeout(EXPORT_TIMEOUT)))
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.bounded(batch).await;
        let failed_before = self.failing.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Err(error) if !failed_before => events::SpansLost { endpoint: &self.endpoint, error }.emit(),
            Ok(()) if failed_before => events::SpansExported { endpoint: &self.endpoint }.emit(),
            _ => {}
        }
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

fn http(endpoint: &str) -> Result<SpanExporter, String> {
    SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())
}

fn grpc(endpoint: &str) -> Result<(SpanExporter, runtime::Handle, oneshot::Sender<()>), String> {
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let handle = runtime.handle().clone();
    let exporter = {
        let _runtime = handle.enter();
        SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|error| error.to_string())?
    };
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::Builder::new()
        .name("otlp".to_owned())
        .spawn(move || runtime.block_on(stopped))
        .map_err(|error| error.to_string())?;
    Ok((exporter, handle, stop))
}
