//! When each alert fires and clears, computed from the faults alone, with the book's windows and the objective's target.
//!
//! Pure. Nothing here is read from the rules, so that a rule that says something else is noticed.

/// A share of the events is bad from one time to another, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fault {
    pub(super) from: f64,
    pub(super) to: f64,
    /// From 0 to 1.
    pub(super) share: f64,
}

/// A pair of windows (Site Reliability Workbook, chapter 5, table 5-8; its third row is common practice).
#[derive(Debug, Clone, Copy)]
pub(super) struct Tier {
    pub(super) severity: &'static str,
    /// As the alert's label has it.
    pub(super) long: &'static str,
    pub(super) long_seconds: f64,
    pub(super) short_seconds: f64,
    /// How much faster than it may the budget goes.
    pub(super) burn_rate: f64,
    /// How long it has to hold.
    pub(super) hold: f64,
}

/// Of a period of thirty days, in real time.
pub(super) const TIERS: [Tier; 4] = [
    Tier::new("page", "1h", 3_600.0, 14.4, 60.0),
    Tier::new("page", "6h", 21_600.0, 6.0, 60.0),
    Tier::new("ticket", "1d", 86_400.0, 3.0, 900.0),
    Tier::new("ticket", "3d", 259_200.0, 1.0, 900.0),
];

/// From when to when an alert fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Firing {
    pub(super) from: f64,
    pub(super) to: f64,
}

/// How finely time is looked at, in seconds.
const STEP: f64 = 0.005;

impl Tier {
    const fn new(
        severity: &'static str,
        long: &'static str,
        seconds: f64,
        burn_rate: f64,
        hold: f64,
    ) -> Self {
        Self { severity, long, long_seconds: seconds, short_seconds: seconds / 12.0, burn_rate, hold }
    }

    /// The same with every length of time divided.
    pub(super) fn compressed(self, factor: f64) -> Self {
        Self {
            long_seconds: self.long_seconds / factor,
            short_seconds: self.short_seconds / factor,
            hold: self.hold / factor,
            ..self
        }
    }

    /// Every time that it fires until `end`, when events come evenly and were good before the first fault.
    pub(super) fn firings(&self, budget: f64, faults: &[Fault], end: f64) -> Vec<Firing> {
        let threshold = self.burn_rate * budget;
        let burns = |at: f64| {
            ratio(faults, at, self.long_seconds) > threshold
                && ratio(faults, at, self.short_seconds) > threshold
        };
        let Some(begin) = faults.iter().map(|fault| fault.from).reduce(f64::min) else { return Vec::new() };
        let mut firings = Vec::new();
        let (mut at, mut since) = (begin, None);
        while at < end {
            match (burns(at), since) {
                (true, None) => since = Some(at),
                (false, Some(from)) => {
                    firings.extend(self.held(from, at));
                    since = None;
                }
                _ => {}
            }
            at += STEP;
        }
        firings.extend(since.and_then(|from| self.held(from, f64::INFINITY)));
        firings
    }

    /// What is left of a condition once it has held for long enough.
    fn held(&self, from: f64, to: f64) -> Option<Firing> {
        (from + self.hold < to).then_some(Firing { from: from + self.hold, to })
    }
}

/// The share of bad events in the window that ends `at`.
fn ratio(faults: &[Fault], at: f64, window: f64) -> f64 {
    let within = |fault: &Fault| (fault.to.min(at) - fault.from.max(at - window)).max(0.0) * fault.share;
    faults.iter().map(within).sum::<f64>() / window
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const BUDGET: f64 = 0.001;

    /// The closed forms of the book: threshold × long ÷ share to fire, short × (1 − threshold ÷ share) to clear.
    #[rstest]
    #[case::all(1.0)]
    #[case::a_tenth(0.1)]
    fn an_alert_fires_and_clears_when_the_closed_forms_say(#[case] share: f64) {
        let faults = [Fault { from: 0.0, to: 100_000.0, share }];
        for tier in TIERS {
            let threshold = tier.burn_rate * BUDGET;
            let [firing] = tier.firings(BUDGET, &faults, 130_000.0)[..] else { panic!("{tier:?}") };
            let fires = threshold * tier.long_seconds / share + tier.hold;
            let clears = tier.short_seconds.mul_add(1.0 - threshold / share, 100_000.0);
            assert!((firing.from - fires).abs() < 0.02, "{tier:?}: {firing:?} instead of {fires}");
            assert!((firing.to - clears).abs() < 0.02, "{tier:?}: {firing:?} instead of {clears}");
        }
    }

    #[test]
    fn what_is_below_the_threshold_never_fires() {
        let faults = [Fault { from: 0.0, to: 10_000.0, share: 0.014 }];
        assert_eq!(TIERS[0].firings(BUDGET, &faults, 20_000.0), []);
    }

    #[test]
    fn what_does_not_hold_never_fires() {
        // 53 s make the first alert's condition true; it clears long before it has held for as long as that of a ticket.
        let faults = [Fault { from: 0.0, to: 53.0, share: 1.0 }];
        let tier = Tier { hold: 900.0, ..TIERS[0] };
        assert_eq!(tier.firings(BUDGET, &faults, 20_000.0), []);
        assert_eq!(TIERS[0].firings(BUDGET, &faults, 20_000.0).len(), 1);
    }
}
