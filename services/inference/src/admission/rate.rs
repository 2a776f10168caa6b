//! Rates as they are written, and times as clients are told them. The arithmetic is the governor crate's.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use governor::Quota;

/// The time between two, of a rate such as `100/s`, `30/min` or `5/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(Duration);

/// How many at once; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst(pub NonZeroU32);

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const SECOND: u64 = 1_000_000_000;
        let read = || {
            let (number, unit) = text.split_once('/')?;
            let period = match unit {
                "s" => SECOND,
                "min" => 60 * SECOND,
                "h" => 3600 * SECOND,
                _ => return None,
            };
            let number = number.parse::<u64>().ok().filter(|number| (1..=1_000_000_000).contains(number))?;
            Some(Self(Duration::from_nanos(period / number)))
        };
        read().ok_or_else(|| {
            format!("`rate={text}`; expected 1/s to 1000000000/s, or such a number /min or /h")
        })
    }
}

impl FromStr for Burst {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let burst = text.parse().ok().map(Self);
        burst.ok_or_else(|| format!("`burst={text}`; expected a number from 1 to {}", u32::MAX))
    }
}

/// One each `pace`, `burst` at once.
pub(super) fn quota(Pace(period): Pace, Burst(burst): Burst) -> Quota {
    // A pace is at least a nanosecond, for which there always is a quota.
    Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

/// The shortest time of whole seconds, as `Retry-After` says it, after which `wait` is over.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1/s", 1_000_000_000)]
    #[case("1000000000/s", 1)]
    #[case("30/min", 2_000_000_000)]
    #[case("5/h", 720_000_000_000)]
    fn a_rate_is_the_time_between_two(#[case] text: &str, #[case] nanos: u64) {
        assert_eq!(text.parse(), Ok(Pace(Duration::from_nanos(nanos))));
    }

    #[rstest]
    #[case("0/s")]
    #[case("1000000001/s")]
    #[case("1/d")]
    #[case("1")]
    #[case("-1/s")]
    fn is_no_rate(#[case] text: &str) {
        let error = text.parse::<Pace>().unwrap_err();
        assert!(error.starts_with(&format!("`rate={text}`; expected 1/s")), "{error}");
    }
}
