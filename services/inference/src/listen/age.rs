//! How old each connection gets. Knows no clock and no connection.

use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

/// Gives each connection an age of its own: nine to ten tenths of the most. Those that came together, after a restart
/// of their client or of a replica, would otherwise come together again and again.
#[derive(Debug)]
pub(super) struct Ages {
    most: Duration,
    /// Random for the process, so that nobody can choose an address that gets old.
    random: RandomState,
}

impl Ages {
    pub(super) fn up_to(most: Duration) -> Self {
        Self { most, random: RandomState::new() }
    }

    /// The age of whoever comes from there.
    pub(super) fn of(&self, peer: impl Hash) -> Duration {
        let thousandths = u32::try_from(self.random.hash_one(peer) % 1000).unwrap_or(0);
        self.most.saturating_sub(self.most / 10_000 * thousandths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_within_a_tenth() {
        let most = Duration::from_secs(300);
        let ages = Ages::up_to(most);
        let all: Vec<Duration> = (0..10_000).map(|peer| ages.of(peer)).collect();
        assert!(all.iter().all(|age| (most * 9 / 10..=most).contains(age)));
        // In each tenth of that tenth some.
        for tenth in 0..10 {
            let from = most * 9 / 10 + most / 100 * tenth;
            assert!(all.iter().any(|age| (from..from + most / 100).contains(age)), "none from {from:?} on");
        }
    }

    #[test]
    fn no_age_is_too_long_to_be_divided() {
        assert!(Ages::up_to(Duration::MAX).of(1) > Duration::from_secs(1 << 60));
        assert_eq!(Ages::up_to(Duration::ZERO).of(1), Duration::ZERO);
    }
}
