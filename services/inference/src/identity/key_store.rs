//! Holds the keys that tokens are checked with now, and says until when they are to be trusted. Fetches nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use super::refetch::Refetch;
use super::{KeySet, Refusal};

/// What looking for newer keys came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Other keys are valid from now on.
    Changed,
    /// The keys are those that were valid before.
    Unchanged,
}

/// The keys that are valid now. Cloning gives another handle to the same store.
#[derive(Debug, Clone)]
pub struct KeyStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: ArcSwap<KeySet>,
    /// The last second, since the epoch, at which the keys are trusted.
    trusted_until: AtomicU64,
    loaded: watch::Sender<bool>,
    refetch: Option<Refetch>,
}

/// Keys that are never replaced and never too old.
impl From<KeySet> for KeyStore {
    fn from(keys: KeySet) -> Self {
        let store = Self::empty(None);
        store.put(keys, u64::MAX);
        store
    }
}

impl KeyStore {
    /// Without keys, so that no token can be checked. Where there is a `refetch`, a token that names a key that is not
    /// there has newer keys fetched.
    pub(super) fn empty(refetch: Option<Refetch>) -> Self {
        let shared = Shared {
            current: ArcSwap::default(),
            trusted_until: AtomicU64::new(0),
            loaded: watch::Sender::new(false),
            refetch,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The keys that are valid at `now`. Hold them for one token: the next may find others.
    ///
    /// # Errors
    /// [`Refusal::KeysStale`] where nobody has confirmed them for too long, or there never were any.
    pub(super) fn at(&self, now: u64) -> Result<Guard<Arc<KeySet>>, Refusal> {
        if now > self.shared.trusted_until.load(Ordering::Relaxed) {
            return Err(Refusal::KeysStale);
        }
        Ok(self.shared.current.load())
    }

    /// Makes `keys` the valid ones, until the second `trusted_until`. To be called from one place at a time: keys are
    /// numbered after those that are there.
    pub(super) fn put(&self, keys: KeySet, trusted_until: u64) -> Change {
        let next = keys.after(&self.shared.current.load());
        let change = if next.is_some() { Change::Changed } else { Change::Unchanged };
        if let Some(next) = next {
            self.shared.current.store(Arc::new(next));
        }
        self.shared.trusted_until.store(trusted_until, Ordering::Relaxed);
        self.shared.loaded.send_replace(true);
        change
    }

    /// Gives keys that are not there yet the chance to come. Returns whether to look again, at once where keys come
    /// from nowhere.
    pub(super) async fn renewed(&self) -> bool {
        let Some(refetch) = &self.shared.refetch else { return false };
        refetch.wait().await;
        // Also where nobody fetched: others may have done so since the keys were looked at.
        true
    }

    /// What requests have asked for; `None` where they cannot.
    pub(super) fn refetch(&self) -> Option<&Refetch> {
        self.shared.refetch.as_ref()
    }

    /// Whether there have been keys.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        *self.shared.loaded.borrow()
    }

    /// Returns when there are keys.
    pub async fn loaded(&self) {
        // The sender lives in `self`, so that waiting cannot fail.
        let mut loaded = self.shared.loaded.subscribe();
        let _loaded = loaded.wait_for(|loaded| *loaded).await;
    }
}
