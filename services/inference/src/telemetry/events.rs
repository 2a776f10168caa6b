//! Owns what the service tells about itself: one struct per event, whose `emit` writes the log line and moves the
//! metric, so that no log can disagree with a counter. Nothing else in the crate may touch a metric, and no event may
//! carry a token, a key or a request body.
//!
//! Levels: what the service does to itself (a model loaded, a limit set) is `info`; what it refuses to a client is
//! `debug`, because a client must not be able to fill our logs; what went wrong on our side is `error`. What happens
//! on every request has no line above `debug`. Texts are recorded as strings and not as `%text`, because only strings
//! are quoted in text lines: what a client sent must not be able to begin a new line.

use std::fmt::Display;
use std::time::Duration;

use tracing::{debug, error, info, trace, warn};

pub use super::metrics::{Phase, QuotaOutcome};
use super::{ErrorSource, installed};

/// Gauges are floats; beyond 2^53 they'd lose units, and no bound of this service comes near.
fn gauge(value: usize) -> f64 {
    u32::try_from(value).map_or(f64::from(u32::MAX), f64::from)
}

/// A request was answered with a problem document. Its metric is the request histogram's `error_source`, which the
/// response carries as an extension; this event is the line that says why.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "anything that can be written is a reason")]
pub struct RequestRefused<'a> {
    /// The stable code in the problem document.
    pub code: &'static str,
    /// Whose fault it was.
    pub source: ErrorSource,
    /// What really happened; never sent to the client.
    pub internal: &'a dyn Display,
}

impl RequestRefused<'_> {
    /// Writes the line: `error` when the service or what it depends on failed, else `debug`.
    pub fn emit(self) {
        let (code, source, reason) = (self.code, self.source.label(), self.internal);
        match self.source {
            ErrorSource::Client | ErrorSource::Limit => {
                debug!(code, source, reason = reason.to_string(), "request refused");
            }
            ErrorSource::Server | ErrorSource::Dependency => {
                error!(code, source, reason = reason.to_string(), "request failed");
            }
        }
    }
}

/// A batch of rows was answered.
#[derive(Debug, Clone, Copy)]
pub struct Predicted<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The class of each row.
    pub classes: &'a [i64],
}

impl Predicted<'_> {
    /// Counts the rows by class, in one step a class and not a row: a batch costs little more than a single row.
    pub fn emit(self) {
        let instruments = &installed().instruments;
        let mut tally: [(i64, u64); 8] = [(0, 0); 8];
        for class in self.classes.iter().copied() {
            match tally.iter_mut().find(|(seen, rows)| *rows == 0 || *seen == class) {
                Some(entry) => *entry = (class, entry.1 + 1),
                None => instruments.prediction(self.model, class, 1),
            }
        }
        for (class, rows) in tally.into_iter().take_while(|(_, rows)| *rows > 0) {
            instruments.prediction(self.model, class, rows);
        }
    }
}

/// A row was answered that no flight encodes to: a client that encodes wrongly, or drift.
#[derive(Debug, Clone, Copy)]
pub struct RowOutOfDomain<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The feature group that is not one-hot.
    pub group: &'a str,
}

impl RowOutOfDomain<'_> {
    /// Counts the row.
    pub fn emit(self) {
        installed().instruments.out_of_domain(self.model, self.group, 1);
        trace!(model = self.model, group = self.group, "row outside the domain");
    }
}

/// A model was loaded and reproduced its golden answers; it answers from now on.
#[derive(Debug, Clone, Copy)]
pub struct ModelLoaded<'a> {
    /// The model's name.
    pub model: &'a str,
    /// SHA-256 of the model file, in hex.
    pub sha256: &'a str,
    /// The operator set that the model was exported for.
    pub opset: i64,
}

impl ModelLoaded<'_> {
    /// Makes it the model of `inference_model_info`; after the first one, counts a reload.
    pub fn emit(self) {
        installed().instruments.model_info(self.model, self.sha256, self.opset);
        info!(model = self.model, sha256 = self.sha256, opset = self.opset, "model loaded");
    }
}

/// A reload found the model that answers already.
#[derive(Debug, Clone, Copy)]
pub struct ModelUnchanged;

impl ModelUnchanged {
    /// Counts the reload.
    pub fn emit(self) {
        installed().instruments.reloads_unchanged.increment(1);
        info!("model unchanged");
    }
}

/// A model that should have been loaded while the service runs was refused; the old one goes on.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "anything that can be written is a reason")]
pub struct ModelRefused<'a> {
    /// What is wrong with the file.
    pub error: &'a dyn Display,
}

impl ModelRefused<'_> {
    /// Counts the refused reload.
    pub fn emit(self) {
        installed().instruments.reloads_refused.increment(1);
        error!(error = self.error.to_string(), "model refused, the old one goes on");
    }
}

/// Credentials were accepted.
#[derive(Debug, Clone, Copy)]
pub struct CallerAccepted {
    /// The way in which the caller was proved.
    pub method: &'static str,
}

impl CallerAccepted {
    /// Counts the decision.
    pub fn emit(self) {
        installed().instruments.auth(self.method, "allow", 1);
    }
}

/// Credentials were refused.
#[derive(Debug, Clone, Copy)]
pub struct CallerRefused {
    /// The way in which the caller was to be proved.
    pub method: &'static str,
    /// One of a closed set of reasons.
    pub reason: &'static str,
}

impl CallerRefused {
    /// Counts the decision.
    pub fn emit(self) {
        let Self { method, reason } = self;
        installed().instruments.auth(method, reason, 1);
        debug!(method, reason, "credentials refused");
    }
}

/// Credentials were not looked at: too many from the same address were refused.
#[derive(Debug, Clone, Copy)]
pub struct PeerLimited;

impl PeerLimited {
    /// The outcome in `auth_decisions_total`.
    pub const OUTCOME: &'static str = "peer-limited";

    /// Counts the decision.
    pub fn emit(self) {
        installed().instruments.auth("jwt", Self::OUTCOME, 1);
    }
}

/// A request was held against the quota of who sent it.
#[derive(Debug, Clone, Copy)]
pub struct QuotaDecided<'a> {
    /// The name of its class.
    pub class: &'a str,
    /// What was decided.
    pub outcome: QuotaOutcome,
}

impl QuotaDecided<'_> {
    /// Counts the decision.
    pub fn emit(self) {
        installed().instruments.quota(self.class, self.outcome, 1);
    }
}

/// So many identities' use is remembered.
#[derive(Debug, Clone, Copy)]
pub struct QuotaKeysSwept {
    /// How many.
    pub keys: usize,
}

impl QuotaKeysSwept {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.quota_keys.set(gauge(self.keys));
    }
}

/// So many identities' use may be remembered.
#[derive(Debug, Clone, Copy)]
pub struct QuotaKeysLimitSet {
    /// The bound.
    pub limit: usize,
}

impl QuotaKeysLimitSet {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.quota_keys_limit.set(gauge(self.limit));
    }
}

/// What the cache of tokens knew of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenCacheResult {
    /// That it is right.
    Hit,
    /// That it was refused a moment ago.
    Refused,
    /// Nothing.
    Miss,
}

/// The cache of tokens was asked.
#[derive(Debug, Clone, Copy)]
pub struct TokenCacheLookup {
    /// What it knew.
    pub result: TokenCacheResult,
}

impl TokenCacheLookup {
    /// Counts the look-up.
    pub fn emit(self) {
        let instruments = &installed().instruments;
        let counter = match self.result {
            TokenCacheResult::Hit => &instruments.cache_hits,
            TokenCacheResult::Refused => &instruments.cache_refused,
            TokenCacheResult::Miss => &instruments.cache_misses,
        };
        counter.increment(1);
    }
}

/// The cache of verified tokens holds so many tokens now.
#[derive(Debug, Clone, Copy)]
pub struct TokenCacheFilled {
    /// Tokens in the cache.
    pub entries: usize,
}

impl TokenCacheFilled {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.cache_entries.set(gauge(self.entries));
    }
}

/// The cache of verified tokens may hold so many tokens.
#[derive(Debug, Clone, Copy)]
pub struct TokenCacheLimitSet {
    /// Its bound.
    pub limit: usize,
}

impl TokenCacheLimitSet {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.cache_limit.set(gauge(self.limit));
    }
}

/// So many requests may be in flight at once.
#[derive(Debug, Clone, Copy)]
pub struct InFlightLimitSet {
    /// The bound.
    pub limit: usize,
}

impl InFlightLimitSet {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.active_requests_limit.set(gauge(self.limit));
    }
}

/// A phase of a request took so long.
#[derive(Debug, Clone, Copy)]
pub struct PhaseTimed {
    /// Which one.
    pub phase: Phase,
    /// How long.
    pub took: Duration,
}

impl PhaseTimed {
    /// Records the duration.
    pub fn emit(self) {
        installed().instruments.phase(self.phase, self.took);
    }
}

/// So many connections may be open at once.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionsLimitSet {
    /// The bound.
    pub limit: usize,
}

impl ConnectionsLimitSet {
    /// Sets the gauge.
    pub fn emit(self) {
        installed().instruments.connections_limit.set(gauge(self.limit));
    }
}

/// A client connected to the API listener.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionOpened;

impl ConnectionOpened {
    /// Counts the connection as open.
    pub fn emit(self) {
        installed().instruments.connections.increment(1.0);
    }
}

/// A connection that was opened is gone, whoever ended it.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionClosed;

impl ConnectionClosed {
    /// Counts the connection as closed.
    pub fn emit(self) {
        installed().instruments.connections.decrement(1.0);
    }
}

/// A connection was turned away or given up before it brought a request.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionRefused {
    /// One of a closed set of reasons.
    pub reason: &'static str,
}

impl ConnectionRefused {
    /// Counts the refusal.
    pub fn emit(self) {
        installed().instruments.refused_connection(self.reason, 1);
        debug!(reason = self.reason, "connection refused");
    }
}

/// The collector stopped taking spans. Said once, until it takes them again.
#[derive(Clone, Copy)]
pub(super) struct SpansLost<'a> {
    pub(super) endpoint: &'a str,
    pub(super) error: &'a dyn Display,
}

impl SpansLost<'_> {
    pub(super) fn emit(self) {
        warn!(
            endpoint = self.endpoint,
            error = self.error.to_string(),
            "spans are not exported; requests are unaffected"
        );
    }
}

/// The collector takes spans again.
#[derive(Clone, Copy)]
pub(super) struct SpansExported<'a> {
    pub(super) endpoint: &'a str,
}

impl SpansExported<'_> {
    pub(super) fn emit(self) {
        info!(endpoint = self.endpoint, "spans are exported again");
    }
}
