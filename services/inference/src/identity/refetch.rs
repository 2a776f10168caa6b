//! A token that names a key which is not there: the key may be newer than our set. Lets such requests wait together
//! for one fetch, and bounds how often one may be asked for, how long a request waits and how many do. Fetches nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::nanos::Nanos;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::admission::Ticks;

/// How many requests wait at once at most, half as many as are worked on at once. One more is refused straight away,
/// as its key is not there: with 503 whoever makes up names of keys could use up our error budget.
const PLACES: usize = 256;

/// What requests and the one who fetches tell each other.
#[derive(Debug)]
pub(super) struct Refetch {
    cooldown: Duration,
    patience: Duration,
    ticks: Ticks,
    places: Semaphore,
    /// When the last fetch was asked for.
    last: Mutex<Option<Nanos>>,
    /// How many fetches were asked for.
    asked: watch::Sender<u64>,
    /// How many of them are over.
    answered: watch::Sender<u64>,
}

impl Refetch {
    /// At most one fetch is asked for in `cooldown`, by the time that `ticks` tells; a request waits at most for
    /// `patience`.
    pub(super) fn new(cooldown: Duration, patience: Duration, ticks: Ticks) -> Self {
        Self {
            cooldown,
            patience,
            ticks,
            places: Semaphore::new(PLACES),
            last: Mutex::new(None),
            asked: watch::Sender::new(0),
            answered: watch::Sender::new(0),
        }
    }

    /// Asks for a fetch and waits until it is over; one that was asked for already is shared. Returns at once where
    /// none may be asked for now, or too many wait.
    pub(super) async fn wait(&self) {
        let Ok(_place) = self.places.try_acquire() else { return };
        let Some(ticket) = self.ticket() else { return };
        let mut answered = self.answered.subscribe();
        // Whatever came of it, the keys are looked at again.
        let _in_time = timeout(self.patience, answered.wait_for(|answered| *answered >= ticket)).await;
    }

    /// The number of the fetch to wait for.
    fn ticket(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = *self.asked.borrow();
        if asked > *self.answered.borrow() {
            return Some(asked);
        }
        let now = self.ticks.now();
        if last.is_some_and(|last| Duration::from(now.saturating_sub(last)) < self.cooldown) {
            return None;
        }
        *last = Some(now);
        let next = asked + 1;
        self.asked.send_replace(next);
        Some(next)
    }

    /// Returns the number of the last fetch that was asked for, when one is that is not over.
    pub(super) async fn asked(&self) -> u64 {
        let open = |asked: &u64| *asked > *self.answered.borrow();
        // The sender lives in `self`, so that waiting cannot fail.
        self.asked.subscribe().wait_for(open).await.map_or(0, |asked| *asked)
    }

    /// The fetches up to this one are over, however they ended.
    pub(super) fn answer(&self, ticket: u64) {
        self.answered.send_replace(ticket);
    }
}
