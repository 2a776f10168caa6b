//! The keys that tokens are checked with: how new they are, and what came of looking for newer ones.

use tracing::{debug, error, info};

use super::{gauge, installed};

/// Other keys are valid from now on; the first ones are a change as well.
#[derive(Debug, Clone, Copy)]
pub struct KeysChanged {
    /// How many there are.
    pub keys: usize,
    /// When they were known to be current, in seconds since the epoch.
    pub at: u64,
}

impl KeysChanged {
    /// Counts the refresh, and says how many keys are valid since when.
    pub fn emit(self) {
        let instruments = &installed().instruments;
        instruments.key_refreshes_changed.increment(1);
        instruments.keys.set(gauge(self.keys));
        instruments.keys_refreshed.set(seconds(self.at));
        info!(keys = self.keys, "keys changed");
    }
}

/// The keys are still those that are valid.
#[derive(Debug, Clone, Copy)]
pub struct KeysUnchanged {
    /// When that was known, in seconds since the epoch.
    pub at: u64,
}

impl KeysUnchanged {
    /// Counts the refresh, and says when it was.
    pub fn emit(self) {
        let instruments = &installed().instruments;
        instruments.key_refreshes_unchanged.increment(1);
        instruments.keys_refreshed.set(seconds(self.at));
        debug!("keys unchanged");
    }
}

/// No keys could be had, or none that can be used; the old ones go on for as long as they are trusted.
#[derive(Debug, Clone, Copy)]
pub struct KeysRefused<'a> {
    /// What is wrong, and where.
    pub error: &'a str,
    /// Whether the same was wrong the last time.
    pub again: bool,
}

impl KeysRefused<'_> {
    /// Counts the refresh. At level `error` the log has a line for each thing that is wrong, not for each time that it
    /// was found so.
    pub fn emit(self) {
        installed().instruments.key_refreshes_failed.increment(1);
        if self.again {
            debug!(error = self.error, "keys refused again");
        } else {
            error!(error = self.error, "keys refused, the old ones go on");
        }
    }
}

/// Gauges are floats: whole seconds for longer than anybody counts.
#[expect(clippy::cast_precision_loss, reason = "exact until the year 285 million")]
fn seconds(at: u64) -> f64 {
    at as f64
}
