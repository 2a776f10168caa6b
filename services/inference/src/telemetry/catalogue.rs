//! Owns the catalogue of metrics: what whoever writes a rule or a dashboard may count on. It is read off the handles
//! that the service registers, so it must never hold a name, a label or a value of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde::Serialize;

use super::ErrorSource;
use super::instruments::{Instruments, Outcome};
use super::metrics::{BOUNDS, Declared};
use super::observe::{METHODS, OTHER_METHOD};
use super::prober::ProberInstruments;
use super::process::ProcessInstruments;
use super::series::{self, Series};

/// Labels whose values come from the model file, the settings or the moment: nothing can be checked against them.
const OPEN: [&str; 6] = ["class", "feature_group", "http_response_status_code", "model", "opset", "sha256"];

/// Every metric of the service and of its prober, as `metrics.json` has it.
#[derive(Debug, Serialize)]
pub struct Catalogue {
    generated: &'static str,
    metrics: Vec<Metric>,
}

#[derive(Debug, Serialize)]
struct Metric {
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    help: &'static str,
    /// The values that may be named in a rule, sorted; none where they are not known before the service runs.
    labels: BTreeMap<String, Option<BTreeSet<String>>>,
    /// Upper bounds in seconds, as the label `le` has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<String>,
}

impl Catalogue {
    /// What a service exports that declares `declared`, and a prober of `probed` routes.
    #[must_use]
    pub fn of(declared: &Declared<'_>, probed: &[&'static str]) -> Self {
        let seen = Seen::default();
        let instruments = Instruments::new(Box::new(seen.clone()));
        instruments.declare(declared);
        instruments.model_info(declared.model, "", 0);
        register_every_outcome(&instruments, declared);
        let _registered = (ProberInstruments::new(&seen, probed), ProcessInstruments::new(&seen));

        let all = series::SERVICE.iter().chain(series::PROBER).chain(series::PROCESS);
        let mut metrics: Vec<Metric> = all.map(|series| seen.metric(*series)).collect();
        metrics.sort_by_key(|metric| metric.name);
        Self { generated: "by `inference metrics`; `cargo xtask generate` writes it anew", metrics }
    }
}

/// Methods and error sources are closed sets, of which only the part that objectives read is declared.
fn register_every_outcome(instruments: &Instruments, declared: &Declared<'_>) {
    let request = |route, method, source| {
        instruments.request(route, Outcome { method, status: 200, source }, |_| {});
    };
    for source in ErrorSource::ALL.map(Some) {
        request("", OTHER_METHOD, source);
    }
    for method in METHODS {
        request("", method, None);
    }
    for (method, route) in declared.routes.iter().copied() {
        request(route, method, None);
    }
}

/// A recorder that keeps no value, only which labels were registered.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<String, Labels>>>);

/// The values of each label.
type Labels = BTreeMap<String, BTreeSet<String>>;

impl Seen {
    fn note(&self, key: &Key) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = seen.entry(key.name().to_owned()).or_default();
        for label in key.labels() {
            labels.entry(label.key().to_owned()).or_default().insert(label.value().to_owned());
        }
    }

    fn metric(&self, series: Series) -> Metric {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = seen.get(series.name).into_iter().flatten();
        let bounds = BOUNDS.iter().filter(|(of, _)| of.name == series.name).flat_map(|(_, bounds)| *bounds);
        let closed = |name: &str, values: &BTreeSet<String>| (!OPEN.contains(&name)).then(|| values.clone());
        Metric {
            name: series.name,
            kind: series.kind.label(),
            unit: series.unit.as_str(),
            help: series.help,
            labels: labels.map(|(name, values)| (name.clone(), closed(name, values))).collect(),
            buckets: bounds.map(ToString::to_string).collect(),
        }
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.note(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::noop()
    }
}
