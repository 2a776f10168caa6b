//! What is remembered of who asked, bounded in number: the store of the governor crate's limiters. Forgets only those who
//! may ask a whole burst again, of whom there is nothing to remember; never one that is being limited.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::HashMap;
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::Ticks;

/// Enough that the threads of a machine rarely meet at one.
const SHARDS: usize = 64;

/// Two keyed hashes: what a caller is called takes no room, and nobody can find two names with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(u64, u64);

/// Where those share one place who come when there is no room for their own.
const CROWD: u64 = 0;

/// How much longer than needed a key is remembered: limiters count from the moment at which each was made, which is not
/// quite the same for all.
const SLACK: Duration = Duration::from_secs(1);

/// Who asks, of which limiter, and whether anything is taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    key: Key,
    limiter: u64,
    takes: bool,
}

/// Arrival times by key, for all limiters together.
#[derive(Debug, Clone)]
pub(super) struct Keys(Arc<Table>);

#[derive(Debug)]
struct Table {
    hashers: [RandomState; 2],
    shards: [Mutex<HashMap<Key, Nanos>>; SHARDS],
    held: AtomicUsize,
    limit: usize,
}

/// What each of many may ask, by a quota that each has for itself.
#[derive(Debug)]
pub(super) struct Limiter {
    keys: Keys,
    id: u64,
    rates: RateLimiter<Ask, Keys, Ticks, StateInformationMiddleware>,
}

impl Limiter {
    /// `id` tells the limiters that share `keys` apart.
    pub(super) fn new(id: u64, quota: Quota, keys: &Keys, ticks: &Ticks) -> Self {
        Self { keys: keys.clone(), id, rates: RateLimiter::new(quota, keys.clone(), ticks.clone()) }
    }

    /// Takes one of what `who` may; gives how many are left at once. When all keys are held by others, those without one share what a single one may:
    /// nobody is forgiven to make room, and no flood of names gets more than one name would.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn take(&self, who: impl Hash) -> Result<u32, Duration> {
        self.ask(who, true)
    }

    /// Whether `who` might take one, without taking it.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn check(&self, who: impl Hash) -> Result<(), Duration> {
        self.ask(who, false).map(drop)
    }

    fn ask(&self, who: impl Hash, takes: bool) -> Result<u32, Duration> {
        let ask = Ask { key: self.keys.0.key(&(self.id, who)), limiter: self.id, takes };
        let now = || self.rates.clock().now();
        let asked = self.rates.check_key(&ask);
        asked
            .map(|state| state.remaining_burst_capacity())
            .map_err(|not_until| not_until.wait_time_from(now()))
    }
}

impl StateStore for Keys {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let table = &self.0;
        let mut shard = table.shard(ask.key);
        if let Some(arrival) = shard.get_mut(&ask.key) {
            let (taken, next) = decide(Some(*arrival))?;
            if ask.takes {
                *arrival = next;
            }
            return Ok(taken);
        }
        if !ask.takes {
            return decide(None).map(|(taken, _next)| taken);
        }
        if table.has_room() {
            let (taken, next) = decide(None)?;
            table.held.fetch_add(1, Ordering::Relaxed);
            shard.insert(ask.key, next);
            return Ok(taken);
        }
        drop(shard);
        let crowd = Key(CROWD, ask.limiter);
        let mut shard = table.shard(crowd);
        let (taken, next) = decide(shard.get(&crowd).copied())?;
        shard.insert(crowd, next);
        Ok(taken)
    }
}

impl Keys {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Table {
            hashers: [RandomState::new(), RandomState::new()],
            shards: std::array::from_fn(|_| Mutex::default()),
            held: AtomicUsize::new(0),
            limit,
        }))
    }

    /// Forgets those who may ask a whole burst again; returns how many are left. A look at each key.
    pub(super) fn sweep(&self, now: Nanos) -> usize {
        let table = &self.0;
        let settled = now.saturating_sub(SLACK.into());
        for shard in &table.shards {
            let mut shard = lock(shard);
            let before = shard.len();
            shard.retain(|key, arrival| key.0 == CROWD || *arrival > settled);
            table.held.fetch_sub(before - shard.len(), Ordering::Relaxed);
            // Room for what comes back at once, and none for what came only once.
            let keep = shard.len() * 2;
            shard.shrink_to(keep);
        }
        table.held.load(Ordering::Relaxed)
    }
}

impl Table {
    /// Two that ask at once may both find the last room: the bound is exact but for as many as there are threads.
    fn has_room(&self) -> bool {
        self.held.load(Ordering::Relaxed) < self.limit
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
    use std::sync::atomic::AtomicU64;

    use proptest::prelude::*;

    use super::super::rate::{quota, whole_seconds};
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    struct Limited {
        keys: Keys,
        limiter: Limiter,
        clock: Arc<AtomicU64>,
    }

    fn limited(limit: usize, pace: &str, burst: u32) -> Limited {
        let (keys, clock) = (Keys::new(limit), Arc::new(AtomicU64::new(0)));
        let quota = quota(pace.parse().unwrap(), burst.to_string().parse().unwrap());
        let limiter = Limiter::new(0, quota, &keys, &Ticks::Manual(Arc::clone(&clock)));
        Limited { keys, limiter, clock }
    }

    impl Limited {
        fn at(&self, nanos: u64) -> &Limiter {
            self.clock.store(nanos, Ordering::Relaxed);
            &self.limiter
        }
    }

    /// What the keys take, by what the maps have room for: a byte of control beside each entry, at most 7 of 8 used.
    fn bytes(keys: &Keys) -> usize {
        let entries: usize = keys.0.shards.iter().map(|shard| lock(shard).capacity().div_ceil(7) * 8).sum();
        entries * (size_of::<(Key, Nanos)>() + 1)
    }

    #[test]
    fn a_million_names_take_no_more_than_the_stated_ceiling() {
        const LIMIT: usize = 100_000;
        let limited = limited(LIMIT, "1/s", 5);
        let admitted = (0..1_000_000).filter(|name| limited.limiter.take(name).is_ok()).count();
        let crowd = 5;
        assert_eq!(
            admitted,
            LIMIT + crowd,
            "one each for those with a key, one burst for all others together"
        );
        assert_eq!(limited.keys.sweep(0.into()), LIMIT);
        assert!(bytes(&limited.keys) <= LIMIT * super::super::BYTES_PER_KEY, "{}", bytes(&limited.keys));
        assert_eq!(
            limited.keys.sweep((2 * SECOND).into()),
            0,
            "who may ask a whole burst again is forgotten"
        );
        assert!(bytes(&limited.keys) < 100_000, "{}", bytes(&limited.keys));
    }

    #[test]
    fn who_is_limited_stays_so_whatever_comes_after() {
        let limited = limited(10, "1/s", 2);
        assert!(limited.at(0).take("greedy").is_ok());
        assert!(limited.at(0).take("greedy").is_ok());
        for name in 0..1000 {
            let _crowded = limited.at(SECOND / 2).take(name);
            limited.keys.sweep((SECOND / 2).into());
        }
        let half = Duration::from_millis(500);
        assert_eq!(limited.at(SECOND / 2).check("greedy"), Err(half));
        assert_eq!(limited.at(SECOND / 2).take("greedy"), Err(half));
        assert!(limited.at(SECOND).check("greedy").is_ok(), "asking takes nothing");
        assert!(limited.at(SECOND).take("greedy").is_ok());
        assert!(limited.at(SECOND).take("greedy").is_err());
    }

    proptest! {
        #[test]
        fn who_waits_as_long_as_it_was_told_is_admitted(
            per_hour in 1_u64..100_000_000,
            burst in 1_u32..1000,
            asked in 1_u32..3000,
        ) {
            let limited = limited(1, &format!("{per_hour}/h"), burst);
            let now = 7;
            for _ in 0..asked {
                if let Err(wait) = limited.at(now).take("someone") {
                    let told = whole_seconds(wait);
                    prop_assert!(Duration::from_secs(told) >= wait);
                    prop_assert!(told == 1 || Duration::from_secs(told - 1) < wait, "no longer than needed");
                    let just_before = now + u64::try_from(wait.as_nanos()).unwrap() - 1;
                    prop_assert!(limited.at(just_before).take("someone").is_err());
                    prop_assert!(limited.at(now + told * SECOND).take("someone").is_ok());
                    return Ok(());
                }
            }
            prop_assert!(asked <= burst);
        }
    }
}
