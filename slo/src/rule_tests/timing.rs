//! When an alert fires and when it clears, in closed form (research: fire at threshold × long ÷ error ratio, clear at
//! short × (1 − threshold ÷ error ratio)), counted in the steps in which the tests' series have samples.

use rust_decimal::Decimal;

use crate::numbers::{Span, Tier};
use crate::objectives::{Indicator, Slo};

/// Steps in a short window. Few, so that three days are 60 steps of a test; more than the four that a window needs.
const SHORT_STEPS: u64 = 5;

/// Events of one step, where they are counted.
const PER_STEP: i64 = 1_000_000;

/// Steps into a fault after which its ratio crosses the threshold, where that can be chosen.
const CROSSING: Decimal = Decimal::from_parts(305, 0, 0, false, 1);

/// Good and bad events of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mix {
    pub(super) good: i64,
    pub(super) bad: i64,
}

/// The arithmetic of one tier of one objective.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// The time between two samples.
    pub(super) step: Span,
    /// The share of bad events beyond which it fires.
    pub(super) threshold: Decimal,
    long: u64,
    short: u64,
    least: u64,
    hold: u64,
    counted: Counted,
}

/// What a window that is open at its left end counts of its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// Differences: one fewer than samples, stretched to the window.
    Increases,
    /// The samples themselves.
    Samples,
}

impl Timing {
    pub(super) fn of(slo: &Slo, tier: &Tier) -> Self {
        let step = tier.short.part(SHORT_STEPS);
        let steps = |span: Span| span.millis().div_ceil(step.millis());
        Self {
            step,
            threshold: slo.threshold(tier),
            long: steps(tier.long),
            short: steps(tier.short),
            least: slo.least_bad_events.into(),
            hold: steps(tier.hold),
            counted: match slo.indicator {
                Indicator::Events { .. } | Indicator::Latency { .. } => Counted::Increases,
                Indicator::Freshness { .. } => Counted::Samples,
            },
        }
    }

    /// Steps after which the long window holds nothing of what was before.
    pub(super) fn history(self) -> usize {
        usize::try_from(self.long + 1).unwrap_or(usize::MAX)
    }

    /// Steps for which the alert has to be pending.
    pub(super) fn hold(self) -> usize {
        usize::try_from(self.hold).unwrap_or(usize::MAX)
    }

    /// Events of which about twice the threshold's share is bad, or half-way from the threshold to all of them, so that
    /// it is crossed in the middle of a step: 2 % more or less of the threshold is then another step.
    pub(super) fn mix(self) -> Mix {
        let twice = self.threshold * Decimal::from(self.counts(self.long)) / CROSSING;
        let share = twice.min((Decimal::ONE + self.threshold) / Decimal::TWO);
        let bad_of = |total: i64| i64::try_from((share * Decimal::from(total)).round()).unwrap_or(total);
        let fits = |(bad, total): &(i64, i64)| 0 < *bad && bad <= total && self.is_apart(*bad, *total);
        let found = match self.counted {
            // Even, because half of them are slow and half are failures.
            Counted::Increases => {
                let half = bad_of(PER_STEP) / 2;
                (0..100).map(|more| (2 * (half + more * (1 + half / 500)), PER_STEP)).find(fits)
            }
            // One gauge each, so as few as will do.
            Counted::Samples => (1..200).map(|total| (bad_of(total), total)).find(fits),
        };
        let (bad, total) = found.unwrap_or((1, 1));
        Mix { good: total - bad, bad }
    }

    /// A share of bad events of half the threshold: what may go on for ever.
    pub(super) fn calm(self) -> Mix {
        let Mix { good, bad } = self.mix();
        match self.counted {
            Counted::Increases => Mix { good: good + 3 * bad / 4, bad: bad / 4 },
            Counted::Samples => Mix { good: good + bad, bad: 0 },
        }
    }

    /// A share of bad events within 2 % above the threshold, and one within 2 % below it.
    pub(super) fn around(self) -> [Mix; 2] {
        [Decimal::new(101, 2), Decimal::new(99, 2)].map(|factor| {
            let share = self.threshold * factor;
            let bad_of = |total: i64| i64::try_from((share * Decimal::from(total)).round()).unwrap_or(total);
            let near = |(bad, total): &(i64, i64)| {
                let off = Decimal::from(*bad) / Decimal::from(*total) / self.threshold - Decimal::ONE;
                (off > Decimal::ZERO) == (factor > Decimal::ONE)
                    && !off.is_zero()
                    && off.abs() < Decimal::new(2, 2)
            };
            let (bad, total) = match self.counted {
                // Ten times as many, as a hundredth of the smallest budgets is less than one.
                Counted::Increases => (2 * (bad_of(10 * PER_STEP) / 2), 10 * PER_STEP),
                Counted::Samples => {
                    (1..1000).map(|total| (bad_of(total), total)).find(near).unwrap_or((1, 1))
                }
            };
            Mix { good: total - bad, bad }
        })
    }

    /// A process that fails everything, and has so much to do that all processes together are beyond the threshold.
    pub(super) fn weighty_outage(self) -> Mix {
        let Mix { good, bad } = self.outage();
        let weight = if self.threshold > Decimal::new(4, 1) { 9 } else { 1 };
        Mix { good, bad: weight * bad }
    }

    /// Everything fails.
    pub(super) fn outage(self) -> Mix {
        let Mix { good, bad } = self.mix();
        Mix { good: 0, bad: good + bad }
    }

    /// The first step of a fault at which the condition holds.
    pub(super) fn crosses(self, mix: Mix) -> usize {
        let (bad, total) = (Decimal::from(mix.bad), Decimal::from(mix.good + mix.bad));
        let over = |window: u64| self.threshold * Decimal::from(self.counts(window)) * total / bad;
        let beyond = over(self.long).max(over(self.short)).floor() + Decimal::ONE;
        let enough = (Decimal::from(self.least) / bad).ceil();
        usize::try_from(beyond.max(enough)).unwrap_or(usize::MAX)
    }

    /// The first step after a fault, as long as the short window, at which the condition no longer holds.
    pub(super) fn clears(self, mix: Mix) -> usize {
        let (bad, total) = (Decimal::from(mix.bad), Decimal::from(mix.good + mix.bad));
        let counts = Decimal::from(self.counts(self.short));
        let left = (self.threshold * counts * total / bad).floor();
        usize::try_from(counts - left).unwrap_or(usize::MAX)
    }

    /// Bad events one a step, each within the short window, that are too few to fire.
    pub(super) fn too_few(self) -> usize {
        usize::try_from(self.least.saturating_sub(1)).unwrap_or(usize::MAX)
    }

    /// Steps until the short window holds nothing of what was before, and one more.
    pub(super) fn short_turns(self) -> usize {
        usize::try_from(self.short + 1).unwrap_or(usize::MAX)
    }

    /// How long a fault lasts that the long window still knows when the short one has forgotten it.
    pub(super) fn long_fault(self, mix: Mix) -> usize {
        self.crosses(mix) + self.hold() + 2 * usize::try_from(self.short).unwrap_or(usize::MAX)
    }

    const fn counts(self, window: u64) -> u64 {
        match self.counted {
            Counted::Increases => window.saturating_sub(1),
            Counted::Samples => window,
        }
    }

    /// Whether 2 % more or less of the threshold would be another step.
    fn is_apart(self, bad: i64, total: i64) -> bool {
        let crossing = self.threshold * Decimal::from(self.counts(self.long)) * Decimal::from(total)
            / Decimal::from(bad);
        let [less, more] = [98, 102].map(|percent| (crossing * Decimal::new(percent, 2)).floor());
        less < crossing.floor() && crossing.floor() < more
    }
}
