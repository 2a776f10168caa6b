//! What was admitted, and how much may be.

use super::{QuotaOutcome, gauge, installed};

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
