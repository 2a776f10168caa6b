//! How many times faster than sustainable a budget goes. The only arithmetic of alerting.

use std::fmt;

use rust_decimal::Decimal;

use super::{Budget, Span};

/// Digits after the point of what is not a finite decimal, such as the factors of 28 days.
const DIGITS: u32 = 12;

/// A multiple of the rate of errors that would use the budget up exactly at the end of its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BurnRate(Decimal);

impl BurnRate {
    /// The rate that spends `share` of a period's budget within a window: share × period ÷ window (Site Reliability
    /// Workbook, chapter 5, "Alerting on burn rate").
    #[must_use]
    pub fn spending(share: Decimal, period: Span, window: Span) -> Self {
        Self(share * Decimal::from(period.millis()) / Decimal::from(window.millis()))
    }

    /// The share of bad events at which a budget goes at this rate: burn rate × budget.
    #[must_use]
    pub fn threshold(self, budget: Budget) -> Decimal {
        (self.0 * budget.ratio()).round_dp(DIGITS).normalize()
    }

    /// How long a whole budget lasts at this rate.
    #[must_use]
    pub fn exhausts_in(self, period: Span) -> Span {
        let milliseconds = Decimal::from(period.millis()) / self.0;
        Span::from_millis(u64::try_from(milliseconds.trunc()).unwrap_or(u64::MAX))
    }

    /// As a number.
    #[must_use]
    pub fn factor(self) -> Decimal {
        self.0.round_dp(DIGITS).normalize()
    }
}

impl fmt::Display for BurnRate {
    /// With two decimals at most: `14.4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.round_dp(2).normalize().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The workbook's identity, read backwards: a burn rate kept up for its window spends its share.
        #[test]
        fn a_burn_rate_spends_its_share_within_its_window(percent in 1u32..100, hours in 1u64..72, days in 7u64..91) {
            let (share, window, period) = (Decimal::new(percent.into(), 2), Span::hours(hours), Span::days(days));
            let rate = BurnRate::spending(share, period, window);
            let spent = rate.0 * Decimal::from(window.millis()) / Decimal::from(period.millis());
            prop_assert_eq!(spent.round_dp(10), share);
        }

        #[test]
        fn a_budget_that_goes_n_times_too_fast_lasts_an_nth_of_its_period(factor in 1u64..100) {
            let period = Span::days(30);
            let rate = BurnRate::spending(Decimal::ONE, period, period.part(factor));
            let off = rate.exhausts_in(period).millis().abs_diff(period.millis() / factor);
            prop_assert!(off <= 1 + period.millis() / 1_000_000);
        }
    }

    #[test]
    fn a_threshold_is_printed_exactly() {
        let budget = "99.9".parse::<crate::numbers::Objective>().unwrap().budget();
        let rate = BurnRate::spending(Decimal::new(2, 2), Span::days(30), Span::hours(1));
        assert_eq!((rate.to_string(), rate.threshold(budget).to_string()), ("14.4".into(), "0.0144".into()));
    }
}
