//! Owns the page that a scrape reads, what must be on it from the start, and the closed sets of label values.

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::process::ProcessInstruments;
use super::series::Series;
use super::{buckets, series};

/// A part of a request whose time is recorded on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Who asks: from the credentials in the head to an identity.
    Auth,
    /// Whether they may ask now: quota and in-flight bound.
    Admission,
    /// From the body's bytes to rows of numbers.
    Decode,
    /// From rows to classes.
    Model,
}

impl Phase {
    /// All phases, in the order a request passes them.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Admission, Self::Decode, Self::Model];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Admission => "admission",
            Self::Decode => "decode",
            Self::Model => "model",
        }
    }
}

/// What a quota said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuotaOutcome {
    /// There was something left of it.
    Admitted,
    /// It was used up.
    Limited,
}

impl QuotaOutcome {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Limited => "limited",
        }
    }
}

/// What came of sending a golden row through the public door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeResult {
    /// The golden class.
    Right,
    /// Status 200 and anything but the golden class.
    Wrong,
    /// A 4xx: the prober is not let in, or asks too much.
    Refused,
    /// No whole answer in time, or one of another status.
    Failed,
}

impl ProbeResult {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Refused, Self::Failed];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What is known at start and must therefore be visible, at zero, before the first request.
///
/// Prometheus can't see the first increment of a series that wasn't there before: `increase()` of it is 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// Method and path template of each route of the API listener.
    pub routes: &'a [(&'static str, &'static str)],
    /// The model's name.
    pub model: &'a str,
    /// The classes that the model can answer.
    pub classes: &'a [i64],
    /// The model's feature groups.
    pub feature_groups: &'a [&'a str],
    /// The ways in which callers are proved.
    pub auth_methods: &'a [&'static str],
    /// The reasons for which credentials are refused.
    pub auth_refusals: &'a [&'static str],
    /// The reasons for which client certificates are refused, in the handshake or later.
    pub certificate_refusals: &'a [&'static str],
    /// The names of the quota classes.
    pub quota_classes: &'a [&'a str],
    /// The reasons for which a connection is refused.
    pub connection_refusals: &'a [&'static str],
}

/// Makes every series in `declared` exist at zero. Does nothing before [`Telemetry::start`](super::Telemetry::start).
pub fn declare(declared: &Declared<'_>) {
    super::installed().instruments.declare(declared);
}

/// What `GET /metrics` shows, and the upkeep that keeps its memory bounded.
#[derive(Debug, Clone)]
pub struct MetricsPage {
    exported: PrometheusHandle,
    process: ProcessInstruments,
}

impl MetricsPage {
    /// `Content-Type` of [`render`](Self::render): the Prometheus text format, version 0.0.4.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// A page of a recorder that nothing but the process writes to: for an admin listener without the service.
    ///
    /// # Errors
    /// Where the recorder cannot be built.
    pub fn detached() -> Result<Self, BuildError> {
        recorder().map(|(_recorder, page)| page)
    }

    /// Every metric in the Prometheus text format; those of the process as they are now.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.look();
        self.exported.render()
    }

    /// Folds recorded samples into their histograms. Must run every few seconds even when nobody scrapes: until
    /// then the exporter keeps every sample.
    pub fn upkeep(&self) {
        self.exported.run_upkeep();
    }
}

/// The bounds of every histogram; one without them would be exported as a summary.
pub(super) const BOUNDS: [(Series, &[f64]); 3] = [
    (series::REQUEST_DURATION, &buckets::REQUEST_SECONDS),
    (series::PHASE_DURATION, &buckets::PHASE_SECONDS),
    (series::PROBE_DURATION, &buckets::PROBE_SECONDS),
];

/// Builds the recorder and its page: buckets for histograms, nothing else, so that names stay what `series` says.
pub(super) fn recorder() -> Result<(PrometheusRecorder, MetricsPage), BuildError> {
    let mut builder = PrometheusBuilder::new();
    for (series, bounds) in BOUNDS {
        builder = builder.set_buckets_for_metric(Matcher::Full(series.name.to_owned()), bounds)?;
    }
    let recorder = builder.build_recorder();
    let page = MetricsPage { exported: recorder.handle(), process: ProcessInstruments::new(&recorder) };
    Ok((recorder, page))
}
