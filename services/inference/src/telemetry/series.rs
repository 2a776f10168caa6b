//! Owns the names, kinds, units and help texts of every metric: one table for each process that has metrics. The names are a contract with the
//! objectives, the dashboards and the autoscaler, so nothing outside `telemetry` may ever spell one.

use metrics::Unit;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// As Prometheus' text format calls it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric of the contract.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) help: &'static str,
}

macro_rules! series {
    ($(#[$about:meta])* $table:ident: $($constant:ident = $kind:ident $unit:ident $name:literal, $help:literal;)*) => {
        $(pub(super) const $constant: Series =
            Series { name: $name, kind: Kind::$kind, unit: Unit::$unit, help: $help };)*

        $(#[$about])*
        pub(super) const $table: &[Series] = &[$($constant),*];
    };
}

series! {
    /// Every metric that the service exports.
    SERVICE:
    REQUEST_DURATION = Histogram Seconds "http_server_request_duration_seconds",
        "Time from the request head being read to the response head being ready, by route, method, status and whose \
         fault an error was (error_source is empty when there was none).";
    ACTIVE_REQUESTS = Gauge Count "http_server_active_requests",
        "Requests being worked on now, refused ones included.";
    ACTIVE_REQUESTS_LIMIT = Gauge Count "http_server_active_requests_limit",
        "Requests that may be in flight at once; one more is answered 503.";
    PREDICTIONS = Counter Count "inference_predictions_total",
        "Rows answered, by model and predicted class.";
    PHASE_DURATION = Histogram Seconds "inference_phase_duration_seconds",
        "Time spent in one phase of a request.";
    ROWS_OUT_OF_DOMAIN = Counter Count "inference_rows_out_of_domain_total",
        "Rows that were answered though no flight encodes to them, by the feature group that is wrong.";
    MODEL_INFO = Gauge Count "inference_model_info",
        "1 for the model that answers now, 0 for those it replaced.";
    MODEL_RELOADS = Counter Count "inference_model_reloads_total",
        "Reloads of the model file: applied, unchanged, or refused while the old model goes on.";
    AUTH_DECISIONS = Counter Count "auth_decisions_total",
        "Requests whose credentials were checked, by the way they were proved: allow, or why they were refused; with \
         mtls also client certificates that were refused in the handshake, or lost an open connection.";
    TOKEN_CACHE_LOOKUPS = Counter Count "auth_token_cache_lookups_total",
        "Look-ups in the cache of tokens: hit (verified before), refused (refused a moment ago) or miss.";
    TOKEN_CACHE_ENTRIES = Gauge Count "auth_token_cache_entries",
        "Verified tokens in the cache.";
    TOKEN_CACHE_LIMIT = Gauge Count "auth_token_cache_entries_limit",
        "Verified tokens that the cache may hold.";
    KEYS = Gauge Count "auth_jwks_keys",
        "Keys that tokens are checked with, from a JWK Set or another source.";
    KEYS_REFRESHED = Gauge Seconds "auth_jwks_last_refresh_timestamp_seconds",
        "When the keys were last seen at their source, in seconds since the epoch; 0 where there is no source.";
    KEY_REFRESHES = Counter Count "auth_jwks_refreshes_total",
        "Looks at the source of the keys: changed, unchanged, or failed while the old keys go on.";
    TLS_RELOADS = Counter Count "tls_reloads_total",
        "Reloads of the files of TLS: applied, unchanged, or refused while those before go on.";
    CRL_NEXT_UPDATE = Gauge Seconds "tls_client_crl_next_update_timestamp_seconds",
        "When the first of the CRLs of client certificates ends, in seconds since 1970; 0 without CRLs.";
    QUOTA_DECISIONS = Counter Count "quota_decisions_total",
        "Requests held against the quota of their identity, by class: admitted or limited.";
    QUOTA_KEYS = Gauge Count "quota_keys",
        "Identities whose use is remembered.";
    QUOTA_KEYS_LIMIT = Gauge Count "quota_keys_limit",
        "Identities whose use may be remembered; those beyond share one quota.";
    CONNECTIONS = Gauge Count "connections",
        "Open connections of the API listener.";
    CONNECTIONS_LIMIT = Gauge Count "connections_limit",
        "Connections that the API listener may hold open.";
    CONNECTIONS_REFUSED = Counter Count "connections_refused_total",
        "Connections that were closed before their first request was answered, by reason.";
}

series! {
    /// Every metric that the prober exports.
    PROBER:
    PROBE_ANSWERS = Counter Count "probe_answers_total",
        "Golden rows sent through the public door, by what came back: right, wrong (200 with anything but the golden \
         class), refused (4xx) or failed (no whole answer in time, or another status).";
    PROBE_DURATION = Histogram Seconds "probe_duration_seconds",
        "Time from a golden row being sent to its whole answer being there, the connection included where one had to be \
         opened; what failed is not in it.";
}

series! {
    /// What every process exports about itself, under the names that Prometheus' own client libraries give it
    /// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).
    PROCESS:
    PROCESS_START_TIME = Gauge Seconds "process_start_time_seconds",
        "When the process began, in seconds since the epoch.";
    PROCESS_CPU = Counter Seconds "process_cpu_seconds_total",
        "Processor time that the process has used, user and system, in whole seconds.";
    PROCESS_RESIDENT_MEMORY = Gauge Bytes "process_resident_memory_bytes",
        "Memory of the process that is resident.";
    PROCESS_OPEN_FDS = Gauge Count "process_open_fds",
        "File descriptors that are open, those of connections included.";
    PROCESS_MAX_FDS = Gauge Count "process_max_fds",
        "File descriptors that may be open.";
}
