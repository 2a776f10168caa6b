//! A length of time as Prometheus writes it. Owns its reading and its printing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rust_decimal::Decimal;

/// A length of time in whole milliseconds; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration such as \"5m\", \"1h30m\" or \"25ms\"")]
pub struct SpanError(String);

const UNITS: [(u64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];

impl Span {
    /// Whole milliseconds; 0 becomes 1.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(if milliseconds == 0 { 1 } else { milliseconds })
    }

    /// Whole seconds; 0 becomes a millisecond.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Minutes of 60 s.
    #[must_use]
    pub const fn minutes(count: u64) -> Self {
        Self::from_secs(count.saturating_mul(60))
    }

    /// Hours of 60 minutes.
    #[must_use]
    pub const fn hours(count: u64) -> Self {
        Self::minutes(count.saturating_mul(60))
    }

    /// Days of 24 hours.
    #[must_use]
    pub const fn days(count: u64) -> Self {
        Self::hours(count.saturating_mul(24))
    }

    /// In milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In seconds, exactly.
    #[must_use]
    pub fn seconds(self) -> Decimal {
        Decimal::from_i128_with_scale(self.0.into(), 3).normalize()
    }

    /// In days, exactly where the decimals allow it.
    #[must_use]
    pub fn in_days(self) -> Decimal {
        (self.seconds() / Decimal::from(86_400)).normalize()
    }

    /// So many of it after one another.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Both after one another.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// One of so many equal parts, down to the millisecond; never 0.
    #[must_use]
    pub const fn part(self, parts: u64) -> Self {
        match self.0.checked_div(parts) {
            Some(part) => Self::from_millis(part),
            None => self,
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        // Prometheus also takes a bare number of seconds, which a reader can't tell from milliseconds.
        let wrong = || SpanError(text.to_owned());
        if !text.ends_with(char::is_alphabetic) {
            return Err(wrong());
        }
        let duration: Duration = promql_parser::util::parse_duration(text).map_err(|_error| wrong())?;
        u64::try_from(duration.as_millis()).map(Self::from_millis).map_err(|_error| wrong())
    }
}

impl fmt::Display for Span {
    /// As Prometheus writes durations, without weeks: `30d`, `1h30m`, `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        for (unit, name) in UNITS {
            let count = left / unit;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
            left %= unit;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::empty("")]
    #[case::bare_number("300")]
    #[case::zero("0s")]
    #[case::words("soon")]
    #[case::wrong_order("5m1h")]
    fn refuses(#[case] text: &str) {
        text.parse::<Span>().unwrap_err();
    }

    #[test]
    fn a_week_is_read_and_printed_in_days() {
        assert_eq!("1w".parse::<Span>().unwrap().to_string(), "7d");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(milliseconds in 1..100 * 86_400_000u64) {
            let span = Span::from_millis(milliseconds);
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }
    }
}
