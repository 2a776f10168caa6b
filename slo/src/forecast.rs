//! When each alert of an objective fires and clears at a constant share of bad events, after a clean history. Pure.
//!
//! Closed form: a window's ratio grows with the part of it that the fault fills, so it crosses its threshold after
//! threshold × window ÷ ratio, and falls below it after window × (1 − threshold ÷ ratio). Up to one scrape and one
//! evaluation come on top of it. `cargo xtask e2e rules` tries the same arithmetic in promtool.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::numbers::{BurnRate, Span, Tier};
use crate::objectives::Slo;

/// What one pair of windows does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The windows.
    pub tier: Tier,
    /// How fast the budget goes when it fires.
    pub rate: BurnRate,
    /// The share of bad events beyond which it fires.
    pub threshold: Decimal,
    /// How long after the beginning of the fault it fires, what it has to hold included; `None` if never.
    pub fires: Option<Span>,
    /// How long after the end of the fault it clears, where the fault lasted as long as the short window.
    pub clears: Option<Span>,
}

impl Forecast {
    /// The ratio of its long window over its threshold, so long after the beginning: beyond 1 it fires.
    #[must_use]
    pub fn reached(&self, ratio: Decimal, after: Span) -> f32 {
        let filled = (after.seconds() / self.tier.long.seconds()).min(Decimal::ONE);
        (filled * ratio / self.threshold).to_f32().unwrap_or(f32::MAX)
    }
}

/// For each pair of windows, shortest first.
#[must_use]
pub fn forecasts(slo: &Slo, ratio: Decimal) -> Vec<Forecast> {
    let forecast = |tier: &Tier| {
        let rate = tier.burn_rate(slo.period.span());
        let threshold = slo.threshold(tier);
        let beyond = ratio > threshold;
        let of = |window: Span, part: Decimal| {
            let milliseconds = (Decimal::from(window.millis()) * part).ceil();
            Span::from_millis(milliseconds.to_u64().unwrap_or(u64::MAX))
        };
        Forecast {
            tier: *tier,
            rate,
            threshold,
            // The short window is filled sooner than the long one.
            fires: beyond.then(|| of(tier.long, threshold / ratio).plus(tier.hold)),
            clears: beyond.then(|| of(tier.short, Decimal::ONE - threshold / ratio)),
        }
    };
    slo.tiers.iter().map(forecast).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::definition::Source;

    fn forecast(ratio: &str) -> Vec<(Option<String>, Option<String>)> {
        let source = Source::read("inference.yaml", include_str!("../tests/fixtures/service.yaml")).unwrap();
        let slos = source.check().unwrap().slos;
        let slo = slos.iter().find(|slo| slo.id == "api-availability").unwrap();
        let text = |span: Option<Span>| span.map(|span| span.to_string());
        let forecasts = forecasts(slo, ratio.parse().unwrap());
        forecasts.into_iter().map(|forecast| (text(forecast.fires), text(forecast.clears))).collect()
    }

    /// The holds of a minute and of a quarter of an hour included (research: 52 s, 2 m 10, 4 m 19 for a total outage).
    #[rstest]
    #[case::everything_fails("1", &[("1m51s840ms", "4m55s680ms"), ("3m9s600ms", "29m49s200ms"),
        ("19m19s200ms", "1h59m38s400ms"), ("19m19s200ms", "5h59m38s400ms")])]
    #[case::a_tenth_fails("0.1", &[("9m38s400ms", "4m16s800ms"), ("22m36s", "28m12s"),
        ("58m12s", "1h56m24s"), ("58m12s", "5h56m24s")])]
    fn the_arithmetic_is_that_of_the_book(#[case] ratio: &str, #[case] expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(fires, clears)| (Some((*fires).to_owned()), Some((*clears).to_owned())))
            .collect();
        assert_eq!(forecast(ratio), expected);
    }

    #[test]
    fn what_does_not_reach_a_threshold_never_fires() {
        let fires: Vec<bool> = forecast("0.0059").iter().map(|(fires, _)| fires.is_some()).collect();
        assert_eq!(fires, [false, false, true, true]);
        assert!(forecast("0.001").iter().all(|(fires, _)| fires.is_none()), "the budget lasts");
    }
}
