//! How much may be asked over time: the generic cell rate algorithm (ITU-T I.371, annex A, "virtual scheduling"), which
//! keeps one number per key. Knows no clock and keeps nothing.

use std::str::FromStr;
use std::time::Duration;

/// Nanoseconds since some start: enough for five centuries.
pub(super) type Nanos = u64;

/// So many at a steady pace, and so many at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Nanos,
    burst: u32,
}

/// The time between two, of a rate such as `100/s`, `30/min` or `5/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(Nanos);

/// How many at once; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst(pub u32);

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const SECOND: Nanos = 1_000_000_000;
        let read = || {
            let (number, unit) = text.split_once('/')?;
            let period = match unit {
                "s" => SECOND,
                "min" => 60 * SECOND,
                "h" => 3600 * SECOND,
                _ => return None,
            };
            let number = number.parse::<u64>().ok().filter(|number| (1..=1_000_000_000).contains(number))?;
            Some(Self(period / number))
        };
        read().ok_or_else(|| {
            format!("`rate={text}`; expected 1/s to 1000000000/s, or such a number /min or /h")
        })
    }
}

impl FromStr for Burst {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let burst = text.parse().ok().filter(|burst| *burst > 0).map(Self);
        burst.ok_or_else(|| format!("`burst={text}`; expected a number from 1 to {}", u32::MAX))
    }
}

impl Rate {
    /// One each `pace`, `burst` at once.
    #[must_use]
    pub const fn new(Pace(interval): Pace, burst: u32) -> Self {
        Self { interval, burst }
    }

    /// How many at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// How long after a whole burst another one is allowed.
    #[must_use]
    pub const fn window(self) -> Duration {
        Duration::from_nanos(self.tolerance())
    }

    pub(super) const fn interval(self) -> Nanos {
        self.interval
    }

    /// The arrival time of a key that takes one for the first time.
    pub(super) const fn first(self, now: Nanos) -> Nanos {
        now.saturating_add(self.interval)
    }

    const fn tolerance(self) -> Nanos {
        // At most an hour times 2^32: not beyond 2^64.
        self.interval.saturating_mul(self.burst as u64)
    }

    /// How long it takes until one more is allowed, for a key whose theoretical arrival time is `arrival`; zero: now.
    pub(super) fn wait(self, arrival: Nanos, now: Nanos) -> Duration {
        let next = arrival.max(now).saturating_add(self.interval);
        Duration::from_nanos(next.saturating_sub(self.tolerance()).saturating_sub(now))
    }

    /// Takes one: the key's next arrival time. A key whose arrival time is past is as one that was never seen.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn take(self, arrival: Nanos, now: Nanos) -> Result<Nanos, Duration> {
        let wait = self.wait(arrival, now);
        if wait.is_zero() { Ok(arrival.max(now).saturating_add(self.interval)) } else { Err(wait) }
    }
}

/// The shortest time of whole seconds, as `Retry-After` says it, after which `wait` is over.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decides_as_the_governor_crate_does(
            per_second in 1_u32..5000,
            burst in 1_u32..50,
            steps in prop::collection::vec(0_u64..2_000_000_000, 1..200),
        ) {
            let clock = FakeRelativeClock::default();
            let quota = Quota::per_second(NonZeroU32::new(per_second).unwrap())
                .allow_burst(NonZeroU32::new(burst).unwrap());
            let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
            let ours = Rate::new(format!("{per_second}/s").parse().unwrap(), burst);
            let (mut arrival, mut now) = (0, 0);
            for step in steps {
                // Many at one instant, so that bursts are used up.
                let step = if step % 3 == 0 { step / 1000 } else { 0 };
                clock.advance(Duration::from_nanos(step));
                now += step;
                let taken = ours.take(arrival, now);
                prop_assert_eq!(taken.is_ok(), theirs.check().is_ok());
                arrival = taken.unwrap_or(arrival);
            }
        }

        #[test]
        fn who_waits_as_long_as_it_was_told_is_admitted(
            per_hour in 1_u64..100_000_000,
            burst in 1_u32..1000,
            asked in 1_u32..3000,
        ) {
            let rate = Rate::new(format!("{per_hour}/h").parse().unwrap(), burst);
            let (mut arrival, now) = (0, 7);
            for _ in 0..asked {
                match rate.take(arrival, now) {
                    Ok(next) => arrival = next,
                    Err(wait) => {
                        let told = whole_seconds(wait);
                        prop_assert!(Duration::from_secs(told) >= wait);
                        prop_assert!(Duration::from_secs(told - 1) < wait, "no longer than needed");
                        prop_assert!(rate.take(arrival, now + told * 1_000_000_000).is_ok());
                        let just_before = now + Nanos::try_from(wait.as_nanos()).unwrap() - 1;
                        prop_assert!(rate.take(arrival, just_before).is_err());
                        return Ok(());
                    }
                }
            }
            prop_assert!(asked <= burst);
        }
    }
}
