//! Owns the metric handles, each resolved once, and the labels with which they are registered.
//! It must never take a label value from a client: methods are folded into a closed set, routes come from the router,
//! models, classes and groups from the model file.

use std::borrow::Borrow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};

use super::ErrorSource;
use super::metrics::{Declared, Phase, QuotaOutcome};
use super::series::{self, Kind, Series};

/// Who registers: the exporter keys metrics by name and labels alone, this is only required by the interface.
pub(super) const METADATA: Metadata<'static> = Metadata::new("inference", Level::INFO, None);

/// How a declared route may end: well, or in the ways that count against an objective.
const DECLARED_OUTCOMES: [(u16, Option<ErrorSource>); 4] = [
    (200, None),
    (500, Some(ErrorSource::Server)),
    (503, Some(ErrorSource::Server)),
    (503, Some(ErrorSource::Dependency)),
];

/// How a request ended, apart from its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Outcome {
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) source: Option<ErrorSource>,
}

/// Every handle that the service moves. Handles are resolved once: looking one up by name and labels costs as much as
/// checking a cached token, a handle costs one atomic.
pub(super) struct Instruments {
    recorder: Box<dyn Recorder + Send + Sync>,
    requests: Table<Outcome, Histogram>,
    phases: [Histogram; Phase::ALL.len()],
    predictions: Table<i64, Counter>,
    out_of_domain: Table<String, Counter>,
    auth: Table<String, Counter>,
    refused_connections: Table<(), Counter>,
    model_info: Mutex<Option<Gauge>>,
    pub(super) active_requests: Gauge,
    pub(super) active_requests_limit: Gauge,
    reloads_applied: Counter,
    pub(super) reloads_unchanged: Counter,
    pub(super) reloads_refused: Counter,
    pub(super) tls_reloads_applied: Counter,
    pub(super) tls_reloads_unchanged: Counter,
    pub(super) tls_reloads_refused: Counter,
    pub(super) crl_next_update: Gauge,
    pub(super) cache_hits: Counter,
    pub(super) cache_refused: Counter,
    pub(super) cache_misses: Counter,
    pub(super) cache_entries: Gauge,
    pub(super) cache_limit: Gauge,
    pub(super) keys: Gauge,
    pub(super) keys_refreshed: Gauge,
    pub(super) key_refreshes_changed: Counter,
    pub(super) key_refreshes_unchanged: Counter,
    pub(super) key_refreshes_failed: Counter,
    pub(super) connections: Gauge,
    pub(super) connections_limit: Gauge,
    quota: Table<QuotaOutcome, Counter>,
    pub(super) quota_keys: Gauge,
    pub(super) quota_keys_limit: Gauge,
}

impl std::fmt::Debug for Instruments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instruments").finish_non_exhaustive()
    }
}

impl Instruments {
    /// Describes every metric to `recorder` and registers those whose labels are known.
    pub(super) fn new(recorder: Box<dyn Recorder + Send + Sync>) -> Self {
        describe(&*recorder, series::SERVICE);
        let counter = |series: Series, labels| recorder.register_counter(&key(series, labels), &METADATA);
        let gauge = |series: Series| recorder.register_gauge(&key(series, vec![]), &METADATA);
        let phase = |phase: Phase| {
            let labels = vec![Label::from_static_parts("phase", phase.label())];
            recorder.register_histogram(&key(series::PHASE_DURATION, labels), &METADATA)
        };
        let [auth, admission, decode, model] = Phase::ALL;
        let outcome = |value| vec![Label::from_static_parts("outcome", value)];
        let result = |value| vec![Label::from_static_parts("result", value)];
        Self {
            requests: Table::default(),
            phases: [phase(auth), phase(admission), phase(decode), phase(model)],
            predictions: Table::default(),
            out_of_domain: Table::default(),
            auth: Table::default(),
            quota: Table::default(),
            quota_keys: gauge(series::QUOTA_KEYS),
            quota_keys_limit: gauge(series::QUOTA_KEYS_LIMIT),
            refused_connections: Table::default(),
            model_info: Mutex::new(None),
            active_requests: gauge(series::ACTIVE_REQUESTS),
            active_requests_limit: gauge(series::ACTIVE_REQUESTS_LIMIT),
            reloads_applied: counter(series::MODEL_RELOADS, outcome("applied")),
            reloads_unchanged: counter(series::MODEL_RELOADS, outcome("unchanged")),
            reloads_refused: counter(series::MODEL_RELOADS, outcome("refused")),
            tls_reloads_applied: counter(series::TLS_RELOADS, outcome("applied")),
            tls_reloads_unchanged: counter(series::TLS_RELOADS, outcome("unchanged")),
            tls_reloads_refused: counter(series::TLS_RELOADS, outcome("refused")),
            crl_next_update: gauge(series::CRL_NEXT_UPDATE),
            cache_hits: counter(series::TOKEN_CACHE_LOOKUPS, result("hit")),
            cache_refused: counter(series::TOKEN_CACHE_LOOKUPS, result("refused")),
            cache_misses: counter(series::TOKEN_CACHE_LOOKUPS, result("miss")),
            cache_entries: gauge(series::TOKEN_CACHE_ENTRIES),
            cache_limit: gauge(series::TOKEN_CACHE_LIMIT),
            keys: gauge(series::KEYS),
            keys_refreshed: gauge(series::KEYS_REFRESHED),
            key_refreshes_changed: counter(series::KEY_REFRESHES, outcome("changed")),
            key_refreshes_unchanged: counter(series::KEY_REFRESHES, outcome("unchanged")),
            key_refreshes_failed: counter(series::KEY_REFRESHES, outcome("failed")),
            connections: gauge(series::CONNECTIONS),
            connections_limit: gauge(series::CONNECTIONS_LIMIT),
            recorder,
        }
    }

    /// A registered histogram without samples renders with a count of 0; a counter renders 0.
    pub(super) fn declare(&self, declared: &Declared<'_>) {
        for (method, route) in declared.routes.iter().copied() {
            for (status, source) in DECLARED_OUTCOMES {
                self.request(route, Outcome { method, status, source }, |_| {});
            }
        }
        for class in declared.classes {
            self.prediction(declared.model, *class, 0);
        }
        for group in declared.feature_groups {
            self.out_of_domain(declared.model, group, 0);
        }
        for method in declared.auth_methods {
            for outcome in ["allow"].iter().chain(declared.auth_refusals) {
                self.auth(method, outcome, 0);
            }
        }
        for refusal in declared.certificate_refusals {
            self.auth("mtls", refusal, 0);
        }
        for class in declared.quota_classes {
            self.quota(class, QuotaOutcome::Admitted, 0);
            self.quota(class, QuotaOutcome::Limited, 0);
        }
        for reason in declared.connection_refusals {
            self.refused_connection(reason, 0);
        }
    }

    pub(super) fn request(&self, route: &str, outcome: Outcome, record: impl FnOnce(&Histogram)) {
        let register = || {
            let labels = vec![
                Label::new("http_route", route.to_owned()),
                Label::from_static_parts("http_request_method", outcome.method),
                Label::new("http_response_status_code", outcome.status.to_string()),
                Label::from_static_parts("error_source", outcome.source.map_or("", ErrorSource::label)),
            ];
            self.recorder.register_histogram(&key(series::REQUEST_DURATION, labels), &METADATA)
        };
        self.requests.with(route, &outcome, register, record);
    }

    pub(super) fn phase(&self, phase: Phase, took: Duration) {
        let [auth, admission, decode, model] = &self.phases;
        let histogram = match phase {
            Phase::Auth => auth,
            Phase::Admission => admission,
            Phase::Decode => decode,
            Phase::Model => model,
        };
        histogram.record(took);
    }

    pub(super) fn prediction(&self, model: &str, class: i64, rows: u64) {
        let labels = || vec![label("model", model), Label::new("class", class.to_string())];
        let register = || self.counter(series::PREDICTIONS, labels());
        self.predictions.with(model, &class, register, |counter| counter.increment(rows));
    }

    pub(super) fn out_of_domain(&self, model: &str, group: &str, rows: u64) {
        let labels = || vec![label("model", model), label("feature_group", group)];
        let register = || self.counter(series::ROWS_OUT_OF_DOMAIN, labels());
        self.out_of_domain.with(model, group, register, |counter| counter.increment(rows));
    }

    pub(super) fn auth(&self, method: &str, outcome: &str, requests: u64) {
        let labels = || vec![label("method", method), label("outcome", outcome)];
        let register = || self.counter(series::AUTH_DECISIONS, labels());
        self.auth.with(method, outcome, register, |counter| counter.increment(requests));
    }

    pub(super) fn quota(&self, class: &str, outcome: QuotaOutcome, requests: u64) {
        let labels = || vec![label("class", class), Label::from_static_parts("outcome", outcome.label())];
        let register = || self.counter(series::QUOTA_DECISIONS, labels());
        self.quota.with(class, &outcome, register, |counter| counter.increment(requests));
    }

    pub(super) fn refused_connection(&self, reason: &str, connections: u64) {
        let register = || self.counter(series::CONNECTIONS_REFUSED, vec![label("reason", reason)]);
        self.refused_connections.with(reason, &(), register, |counter| counter.increment(connections));
    }

    /// Sets the new model's series to 1 and the old one's to 0: the exporter can't forget a series.
    pub(super) fn model_info(&self, model: &str, sha256: &str, opset: i64) {
        let labels =
            vec![label("model", model), label("sha256", sha256), Label::new("opset", opset.to_string())];
        let new = self.recorder.register_gauge(&key(series::MODEL_INFO, labels), &METADATA);
        let mut current = self.model_info.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = current.take() {
            old.set(0.0);
            self.reloads_applied.increment(1);
        }
        new.set(1.0);
        *current = Some(new);
    }

    fn counter(&self, series: Series, labels: Vec<Label>) -> Counter {
        self.recorder.register_counter(&key(series, labels), &METADATA)
    }
}

/// Gives every metric of `table` its help text.
pub(super) fn describe(recorder: &dyn Recorder, table: &[Series]) {
    for Series { name, kind, unit, help } in table.iter().copied() {
        match kind {
            Kind::Counter => recorder.describe_counter(name.into(), Some(unit), help.into()),
            Kind::Gauge => recorder.describe_gauge(name.into(), Some(unit), help.into()),
            Kind::Histogram => recorder.describe_histogram(name.into(), Some(unit), help.into()),
        }
    }
}

pub(super) fn key(series: Series, labels: Vec<Label>) -> Key {
    Key::from_parts(series.name, labels)
}

fn label(name: &'static str, value: &str) -> Label {
    Label::new(name, value.to_owned())
}

/// Handles by two label values, read without a lock and without allocation; a value seen for the first time copies
/// the table, which is small and soon complete. Small enough that to look through it takes less than to hash for it.
struct Table<K, H>(ArcSwap<Vec<(String, Row<K, H>)>>);

/// Those that share the first value.
type Row<K, H> = Vec<(K, H)>;

impl<K, H> Default for Table<K, H> {
    fn default() -> Self {
        Self(ArcSwap::default())
    }
}

impl<K: Eq + Clone, H: Clone> Table<K, H> {
    fn with<Q>(&self, first: &str, second: &Q, register: impl FnOnce() -> H, with: impl FnOnce(&H))
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        let table = self.0.load();
        let row = table.iter().find(|(own, _)| own == first);
        let handle = row.and_then(|(_, row)| row.iter().find(|(own, _)| own.borrow() == second));
        if let Some((_, handle)) = handle {
            return with(handle);
        }
        // Two that come here at once register the same key and get the same metric.
        let handle = register();
        self.0.rcu(|table| {
            let mut table = Vec::clone(table);
            let entry = (second.to_owned(), handle.clone());
            match table.iter_mut().find(|(own, _)| own == first) {
                Some((_, row)) => row.push(entry),
                None => table.push((first.to_owned(), vec![entry])),
            }
            table
        });
        with(&handle);
    }
}
