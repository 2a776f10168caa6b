//! A target share of good events and the budget that it leaves. Owns how one is written and which make sense.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

const MILLION: u32 = 1_000_000;

/// A target share of good events, in whole parts per million; never 0, never 1.
///
/// A float would print 99.9 % as `0.9990000000000001` and would turn a budget of 0.0001 % into 0 at five decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Objective(u32);

/// The share of bad events that an objective allows, in whole parts per million; never 0, never 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Budget(u32);

/// Why a text is no objective.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectiveError {
    /// Not a decimal number.
    #[error("{0:?} is not a decimal number of percent such as \"99.9\"")]
    NotDecimal(String),
    /// More decimals than parts per million have.
    #[error("{0} has more than four decimals; whole parts per million is as fine as it goes")]
    TooFine(String),
    /// 100 % or more.
    #[error("{0} leaves no error budget, so nothing could ever be changed; it must be below 100")]
    NoBudget(String),
    /// 0 % or less.
    #[error("{0} promises nothing; it must be above 0")]
    NoPromise(String),
}

impl FromStr for Objective {
    type Err = ObjectiveError;

    /// Reads percent, such as `99.9`.
    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        let percent =
            Decimal::from_str_exact(text).map_err(|_error| ObjectiveError::NotDecimal(text.to_owned()))?;
        let parts = percent * Decimal::from(MILLION / 100);
        if percent >= Decimal::ONE_HUNDRED {
            return Err(ObjectiveError::NoBudget(text.to_owned()));
        }
        if percent <= Decimal::ZERO {
            return Err(ObjectiveError::NoPromise(text.to_owned()));
        }
        if !parts.fract().is_zero() {
            return Err(ObjectiveError::TooFine(text.to_owned()));
        }
        u32::try_from(parts).map(Self).map_err(|_error| ObjectiveError::NotDecimal(text.to_owned()))
    }
}

impl Objective {
    /// What it allows: 1 − objective.
    #[must_use]
    pub const fn budget(self) -> Budget {
        Budget(MILLION - self.0)
    }

    /// As a share, such as 0.999.
    #[must_use]
    pub fn ratio(self) -> Decimal {
        Decimal::new(self.0.into(), 6).normalize()
    }
}

impl fmt::Display for Objective {
    /// In percent without trailing zeros, such as `99.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(self.0.into(), 4).normalize().fmt(f)
    }
}

impl Budget {
    /// As a share, such as 0.001.
    #[must_use]
    pub fn ratio(self) -> Decimal {
        Decimal::new(self.0.into(), 6).normalize()
    }
}

impl fmt::Display for Budget {
    /// In percent without trailing zeros, such as `0.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(self.0.into(), 4).normalize().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::three_nines("99.9", "0.999", "0.001")]
    #[case::trailing_zeros("99.90", "0.999", "0.001")]
    #[case::finest("99.9999", "0.999999", "0.000001")]
    #[case::whole("95", "0.95", "0.05")]
    fn is_exact(#[case] text: &str, #[case] ratio: &str, #[case] budget: &str) {
        let objective: Objective = text.parse().unwrap();
        assert_eq!(objective.ratio().to_string(), ratio);
        assert_eq!(objective.budget().ratio().to_string(), budget);
    }

    #[rstest]
    #[case::no_budget("100", "leaves no error budget")]
    #[case::above("101", "leaves no error budget")]
    #[case::promise_of_nothing("0", "promises nothing")]
    #[case::negative("-1", "promises nothing")]
    #[case::too_fine("99.99999", "more than four decimals")]
    #[case::words("three nines", "not a decimal number")]
    #[case::not_a_number("NaN", "not a decimal number")]
    fn refuses(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<Objective>().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(parts in 1..MILLION) {
            let objective = Objective(parts);
            prop_assert_eq!(objective.to_string().parse::<Objective>(), Ok(objective));
            prop_assert_eq!(objective.ratio() + objective.budget().ratio(), Decimal::ONE);
        }
    }
}
