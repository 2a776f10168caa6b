//! The time that limits are counted in, injected so that tests decide it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use governor::clock::Clock;
use governor::nanos::Nanos;

/// Tells how long it has been since the start; never goes back.
#[derive(Debug, Clone)]
pub enum Ticks {
    /// The machine's, since this instant.
    Since(Instant),
    /// Nanoseconds that stand still until a test moves them.
    Manual(Arc<AtomicU64>),
}

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match self {
            Self::Since(start) => start.elapsed().into(),
            Self::Manual(nanos) => nanos.load(Ordering::Relaxed).into(),
        }
    }
}
