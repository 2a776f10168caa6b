//! Admission: how much is worked on at once. Decides by the places that are left; never by what a request says.

mod class;

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

pub use class::Class;

use crate::api::ApiError;
use crate::telemetry::events::{self, Phase};

/// How long a client that found no place is asked to stay away. One second is the shortest that `Retry-After` can say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How much is admitted.
#[derive(Debug, Clone, clap::Args)]
pub struct AdmissionConfig {
    /// Most requests worked on at once; the next is answered 503. A request takes well under a millisecond of CPU, so
    /// that a full house is a queue of some tenths of a second on two cores
    #[arg(long, env = "INFERENCE_IN_FLIGHT", value_name = "REQUESTS", default_value_t = 512)]
    pub in_flight: usize,
}

/// The places for requests that are worked on.
#[derive(Debug)]
pub struct Admission {
    places: Semaphore,
}

impl Admission {
    /// As many places as `config` says.
    #[must_use]
    pub fn new(config: &AdmissionConfig) -> Self {
        events::InFlightLimitSet { limit: config.in_flight }.emit();
        Self { places: Semaphore::new(config.in_flight.min(Semaphore::MAX_PERMITS)) }
    }

    /// A place to be held while a request is worked on. There is no waiting: it would only move the queue in here.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] where none is left.
    pub fn place(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        let started = Instant::now();
        let place = self.places.try_acquire();
        events::PhaseTimed { phase: Phase::Admission, took: started.elapsed() }.emit();
        place.map_err(|_full_or_closed| ApiError::Overloaded { retry_after: RETRY_AFTER })
    }
}
