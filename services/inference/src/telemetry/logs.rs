//! Owns how log lines look: text for people, JSON for collectors, one line an event on stderr, each line of a request
//! with its trace id, span id and request id. It must never decide what is logged: that is `events`.

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Full, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, registry};

use super::TelemetryError;
use super::observe::RequestContext;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For collectors: one JSON object a line
    Json,
}

/// Log lines.
#[derive(Debug, Clone, clap::Args)]
pub struct LogConfig {
    /// How log lines are written to stderr
    #[arg(long, env = "INFERENCE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written, as tracing's directives, e.g. `info,inference::listen=debug`
    #[arg(long, env = "INFERENCE_LOG_FILTER", default_value = "info")]
    pub log_filter: String,
}

/// Installs the process's subscriber, and takes what libraries write through `log`.
pub(super) fn install(config: &LogConfig) -> Result<(), TelemetryError> {
    let LogConfig { log_format, log_filter: filter } = config;
    let filter = filter
        .parse::<Targets>()
        .map_err(|error| TelemetryError::LogFilter { filter: filter.clone(), reason: error.to_string() })?;
    let ansi = std::io::stderr().is_terminal();
    let installed = match log_format {
        LogFormat::Text => registry().with(filter).with(text(std::io::stderr, ansi)).try_init(),
        LogFormat::Json => registry().with(filter).with(json(std::io::stderr)).try_init(),
    };
    installed.map_err(|_: TryInitError| TelemetryError::AlreadyStarted)
}

pub(super) fn text<S, W>(writer: W, ansi: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    layer().with_writer(writer).event_format(TextLine(Format::default().with_ansi(ansi)))
}

pub(super) fn json<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    let format = Format::default().json().flatten_event(true).with_current_span(false).with_span_list(false);
    layer().with_writer(writer).fmt_fields(JsonFields::new()).event_format(JsonLine(format))
}

/// tracing-subscriber's text line, then the request's ids.
struct TextLine(Format<Full>);

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(request) = RequestContext::current() else {
            return self.0.format_event(context, out, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let (line, trace_id, span_id) = (line.trim_end(), request.trace_id, request.span_id);
        writeln!(out, "{line} trace_id={trace_id} span_id={span_id} request_id={}", request.request_id())
    }
}

/// tracing-subscriber's JSON object with the request's ids as its last members, under the names that OpenTelemetry's
/// log data model gives them outside of OTLP.
struct JsonLine(Format<Json>);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(request) = RequestContext::current() else {
            return self.0.format_event(context, out, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let members = line.trim_end().strip_suffix('}').ok_or(fmt::Error)?;
        let (trace_id, span_id) = (request.trace_id, request.span_id);
        let request_id = serde_json::Value::from(request.request_id());
        writeln!(
            out,
            r#"{members},"trace_id":"{trace_id}","span_id":"{span_id}","request_id":{request_id}}}"#
        )
    }
}
