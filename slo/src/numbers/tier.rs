//! The windows over which a budget's burning is watched, as data. Owns which stand for which period.

use std::fmt;

use rust_decimal::Decimal;

use super::{BurnRate, Span};

/// Who hears of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody is called now, at any hour.
    Page,
    /// Somebody looks on the next working day.
    Ticket,
}

/// One pair of windows: an alert fires while both burn faster than the tier's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Who hears of it.
    pub severity: Severity,
    /// The share of the period's budget that is gone after one long window at the tier's rate.
    pub share: Decimal,
    /// Long enough to be sure.
    pub long: Span,
    /// Short enough to clear soon after the end.
    pub short: Span,
    /// How long the condition has to hold.
    pub hold: Span,
}

/// The time over which an objective holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// One week.
    Days7,
    /// Four weeks: as many weekends in each.
    Days28,
    /// About a month.
    Days30,
    /// About a quarter.
    Days90,
}

/// Site Reliability Workbook, chapter 5, table 5-8: rows one, two and four. The third is common practice (sloth,
/// kubernetes-mixin), not from the book. The book argues against long `for` durations: the long window is already the
/// proof; a minute keeps one odd scrape from waking somebody.
const OF_A_MONTH: [Tier; 4] = [
    Tier::new(Severity::Page, 2, Span::hours(1)),
    Tier::new(Severity::Page, 5, Span::hours(6)),
    Tier::new(Severity::Ticket, 10, Span::days(1)),
    Tier::new(Severity::Ticket, 10, Span::days(3)),
];

/// A tenth of the budget of four weeks in three days is a burn rate of 0.93: it would warn of a budget that lasts.
const OF_FOUR_WEEKS: [Tier; 4] = [
    Tier::new(Severity::Page, 2, Span::hours(1)),
    Tier::new(Severity::Page, 5, Span::hours(6)),
    Tier::new(Severity::Ticket, 10, Span::days(1)),
    Tier::new(Severity::Ticket, 11, Span::days(3)),
];

/// The windows are large parts of a week, so each stands for a large part of its budget: the shares that sloth's own
/// windows for seven days have, the last one rounded up to a burn rate above 1.
const OF_A_WEEK: [Tier; 4] = [
    Tier::new(Severity::Page, 8, Span::hours(1)),
    Tier::new(Severity::Page, 13, Span::hours(6)),
    Tier::new(Severity::Ticket, 20, Span::days(1)),
    Tier::new(Severity::Ticket, 43, Span::days(3)),
];

impl Tier {
    /// The short window is a twelfth of the long one, as in the book.
    const fn new(severity: Severity, percent: u32, long: Span) -> Self {
        let hold = match severity {
            Severity::Page => Span::minutes(1),
            Severity::Ticket => Span::minutes(15),
        };
        Self {
            severity,
            share: Decimal::from_parts(percent, 0, 0, false, 2),
            long,
            short: long.part(12),
            hold,
        }
    }

    /// How fast a period's budget goes when this tier fires.
    #[must_use]
    pub fn burn_rate(&self, period: Span) -> BurnRate {
        BurnRate::spending(self.share, period, self.long)
    }
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Days7, Self::Days28, Self::Days30, Self::Days90];

    /// Its length.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::Days7 => Span::days(7),
            Self::Days28 => Span::days(28),
            Self::Days30 => Span::days(30),
            Self::Days90 => Span::days(90),
        }
    }

    /// The windows that stay fixed while the burn rates follow the period.
    #[must_use]
    pub const fn tiers(self) -> &'static [Tier] {
        match self {
            Self::Days7 => &OF_A_WEEK,
            Self::Days28 => &OF_FOUR_WEEKS,
            Self::Days30 | Self::Days90 => &OF_A_MONTH,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_the_burn_rates_of_the_book() {
        let rates: Vec<_> =
            OF_A_MONTH.iter().map(|tier| tier.burn_rate(Span::days(30)).to_string()).collect();
        assert_eq!(rates, ["14.4", "6", "3", "1"]);
    }

    #[test]
    fn no_tier_warns_of_a_budget_that_lasts() {
        for period in Period::ALL {
            for tier in period.tiers() {
                let rate = tier.burn_rate(period.span());
                assert!(rate.factor() >= Decimal::ONE, "{period:?}: {rate} over {}", tier.long);
            }
        }
    }

    #[test]
    fn shares_grow_with_their_windows_and_a_short_window_is_a_twelfth() {
        for period in Period::ALL {
            assert!(period.tiers().is_sorted_by_key(|tier| (tier.long, tier.share)));
            for tier in period.tiers() {
                assert_eq!(tier.short.times(12), tier.long);
            }
        }
    }
}
