//! The time of day, injected so that tests decide it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the seconds since the Unix epoch, as tokens count time (RFC 7519 §2, `NumericDate`).
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until a test moves it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Seconds since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> u64 {
        match self {
            // A clock before 1970 reads as 0: every token is then `not yet valid` rather than valid for ever.
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            Self::Manual(seconds) => seconds.load(Ordering::Relaxed),
        }
    }
}
