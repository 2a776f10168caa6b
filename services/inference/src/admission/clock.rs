//! The time that limits are counted in, injected so that tests decide it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::rate::Nanos;

/// Tells how long it has been since the start; never goes back.
#[derive(Debug, Clone)]
pub enum Ticks {
    /// The machine's, since this instant.
    Since(Instant),
    /// Nanoseconds that stand still until a test moves them.
    Manual(Arc<AtomicU64>),
}

impl Ticks {
    pub(super) fn now(&self) -> Nanos {
        match self {
            Self::Since(start) => Nanos::try_from(start.elapsed().as_nanos()).unwrap_or(Nanos::MAX),
            Self::Manual(nanos) => nanos.load(Ordering::Relaxed),
        }
    }
}
