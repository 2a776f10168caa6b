//! Who was let in, who was refused and why, and what is remembered of them.

use tracing::debug;

use super::{gauge, installed};

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
    pub const OUTCOME: &'static str = "peer_limited";

    /// Counts the decision.
    pub fn emit(self) {
        installed().instruments.auth("jwt", Self::OUTCOME, 1);
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
