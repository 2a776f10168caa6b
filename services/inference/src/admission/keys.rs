//! What is remembered of who asked, bounded in number. Forgets only those who may ask a whole burst again, of whom there
//! is nothing to remember; never one that is being limited.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::HashMap;

use super::rate::{Nanos, Rate};

/// Enough that the threads of a machine rarely meet at one.
const SHARDS: usize = 64;

/// Two keyed hashes: what a caller is called takes no room, and nobody can find two names with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(u64, u64);

/// Where those share one place who come when there is no room for their own.
const CROWD: u64 = 0;

/// Arrival times by key.
#[derive(Debug)]
pub(super) struct Keys {
    hashers: [RandomState; 2],
    shards: Box<[Mutex<HashMap<Key, Nanos>>; SHARDS]>,
    held: AtomicUsize,
    limit: usize,
}

impl Keys {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            shards: Box::new(std::array::from_fn(|_| Mutex::default())),
            held: AtomicUsize::new(0),
            limit,
        }
    }

    /// Takes one of what `rate` allows to `who`. When all keys are held by others, those without one share what `rate`
    /// allows to a single one: nobody is forgiven to make room, and no flood of names gets more than one name would.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn take(&self, who: impl Hash, rate: Rate, now: Nanos) -> Result<(), Duration> {
        let key = self.key(&who);
        let mut shard = self.shard(key);
        if let Some(arrival) = shard.get_mut(&key) {
            *arrival = rate.take(*arrival, now)?;
            return Ok(());
        }
        if self.has_room() {
            shard.insert(key, rate.first(now));
            return Ok(());
        }
        drop(shard);
        let crowd = Key(CROWD, rate.interval());
        let mut shard = self.shard(crowd);
        let arrival = shard.entry(crowd).or_default();
        *arrival = rate.take(*arrival, now)?;
        Ok(())
    }

    /// How long `who` has to wait, without taking anything; zero: not at all.
    pub(super) fn wait(&self, who: impl Hash, rate: Rate, now: Nanos) -> Duration {
        let key = self.key(&who);
        let arrival = self.shard(key).get(&key).copied().unwrap_or_default();
        rate.wait(arrival, now)
    }

    /// Forgets those who may ask a whole burst again; returns how many are left. A look at each key.
    pub(super) fn sweep(&self, now: Nanos) -> usize {
        for shard in self.shards.iter() {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|key, arrival| key.0 == CROWD || *arrival > now);
            self.held.fetch_sub(before - shard.len(), Ordering::Relaxed);
            // Room for what comes back at once, and none for what came only once.
            let keep = shard.len() * 2;
            shard.shrink_to(keep);
        }
        self.held.load(Ordering::Relaxed)
    }

    fn has_room(&self) -> bool {
        let one_more = |held| (held < self.limit).then_some(held + 1);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    fn key(&self, who: &impl Hash) -> Key {
        let [first, second] = &self.hashers;
        // Odd, so that it is never the crowd's.
        Key(first.hash_one(who) | 1, second.hash_one(who))
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is below the number of shards")]
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is small")]
    fn shard(&self, key: Key) -> MutexGuard<'_, HashMap<Key, Nanos>> {
        lock(&self.shards[key.1 as usize % SHARDS])
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing between locking and unlocking leaves a map half changed.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn rate(burst: u32) -> Rate {
        Rate::new("1/s".parse().unwrap(), burst)
    }

    /// What the keys take, by what the maps have room for: a byte of control beside each entry, at most 7 of 8 used.
    fn bytes(keys: &Keys) -> usize {
        let entries: usize = keys.shards.iter().map(|shard| lock(shard).capacity().div_ceil(7) * 8).sum();
        entries * (size_of::<(Key, Nanos)>() + 1)
    }

    #[test]
    fn a_million_names_take_no_more_than_the_stated_ceiling() {
        const LIMIT: usize = 100_000;
        let keys = Keys::new(LIMIT);
        let mut admitted = 0;
        for name in 0..1_000_000 {
            admitted += usize::from(keys.take(name, rate(5), 0).is_ok());
        }
        assert_eq!(
            admitted,
            LIMIT + 5,
            "one each for those with a key, and one burst for all others together"
        );
        assert_eq!(keys.sweep(0), LIMIT);
        assert!(bytes(&keys) <= LIMIT * super::super::BYTES_PER_KEY, "{}", bytes(&keys));
        assert_eq!(keys.sweep(SECOND), 0, "who may ask a whole burst again is forgotten");
        assert!(bytes(&keys) < 100_000, "{}", bytes(&keys));
    }

    #[test]
    fn who_is_limited_stays_so_whatever_comes_after() {
        let keys = Keys::new(10);
        assert!(keys.take("greedy", rate(2), 0).is_ok());
        assert!(keys.take("greedy", rate(2), 0).is_ok());
        for name in 0..1000 {
            let _crowded = keys.take(name, rate(2), SECOND / 2);
            keys.sweep(SECOND / 2);
        }
        assert_eq!(keys.take("greedy", rate(2), SECOND / 2), Err(Duration::from_millis(500)));
        assert_eq!(keys.wait("greedy", rate(2), SECOND / 2), Duration::from_millis(500));
        assert!(keys.take("greedy", rate(2), SECOND).is_ok());
    }
}
