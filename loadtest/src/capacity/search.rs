//! The highest rate that holds: doubled until it does not, then halved in between. Must never send anything: what a rate
//! comes to is asked of a function.

use std::num::NonZeroU32;

/// What a rate came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trial<Held, Not> {
    /// Everything that is asked of it was met.
    Held(Held),
    /// It was not, or nobody can say.
    Not(Not),
}

/// Where to look, in requests a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first rate.
    pub from: NonZeroU32,
    /// No rate is tried beyond this one.
    pub ceiling: NonZeroU32,
    /// The answer is less than this below the truth.
    pub step: NonZeroU32,
}

/// The highest rate that held, and the lowest that did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<Held, Not> {
    /// None where no rate held that was tried.
    pub(super) held: Option<(u32, Held)>,
    /// None where the ceiling held.
    pub(super) beyond: Option<(u32, Not)>,
}

/// Searches, taking it that what holds at a rate holds at each lower one.
///
/// # Errors
///
/// The first that `try_rate` has.
pub(super) fn search<Held, Not, Error>(
    range: Range,
    mut try_rate: impl FnMut(u32) -> Result<Trial<Held, Not>, Error>,
) -> Result<Found<Held, Not>, Error> {
    let mut found = Found { held: None, beyond: None };
    let mut next = Some(range.from.min(range.ceiling).get());
    while let Some(rate) = next {
        match try_rate(rate)? {
            Trial::Held(seen) => found.held = Some((rate, seen)),
            Trial::Not(because) => found.beyond = Some((rate, because)),
        }
        next = range.next(&found);
    }
    Ok(found)
}

impl Range {
    /// The rate to try next, if one is left.
    fn next<Held, Not>(self, found: &Found<Held, Not>) -> Option<u32> {
        let held = found.held.as_ref().map_or(0, |(rate, _)| *rate);
        match &found.beyond {
            None if held == self.ceiling.get() => None,
            None => Some(held.saturating_mul(2).min(self.ceiling.get())),
            Some((beyond, _)) if beyond - held <= self.step.get() => None,
            Some((beyond, _)) => Some(u32::midpoint(held, *beyond)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Searches a service that holds up to `capacity`; what is seen is the rate. Counts what it is asked.
    fn of(capacity: u32, range: Range) -> (Found<u32, u32>, u32) {
        let mut asked = 0;
        let found = search(range, |rate| -> Result<_, Infallible> {
            asked += 1;
            assert!((1..=range.ceiling.get()).contains(&rate), "{rate}");
            Ok(if rate <= capacity { Trial::Held(rate) } else { Trial::Not(rate) })
        });
        (found.unwrap(), asked)
    }

    fn any_range() -> impl Strategy<Value = Range> {
        (1_u32..5_000, 1_u32..1_000_000, 1_u32..500).prop_map(|rates| {
            let [from, ceiling, step] = <[u32; 3]>::from(rates).map(|rate| NonZeroU32::new(rate).unwrap());
            Range { from, ceiling, step }
        })
    }

    proptest! {
        #[test]
        fn the_answer_held_and_is_less_than_a_step_below_what_the_service_can(
            capacity in 0_u32..2_000_000,
            range in any_range(),
        ) {
            let (found, asked) = of(capacity, range);
            let held = found.held.map_or(0, |(rate, seen)| {
                assert_eq!(rate, seen, "what was seen is of another rate");
                rate
            });
            prop_assert!(held <= capacity);
            prop_assert!(capacity.min(range.ceiling.get()) - held < range.step.get());
            // Doublings, then halvings.
            prop_assert!(asked <= 2 * range.ceiling.ilog2() + 4, "{asked}");
        }

        #[test]
        fn one_that_breaks_at_once_has_none_and_the_lowest_rate_at_which_it_broke(range in any_range()) {
            let (found, _) = of(0, range);
            prop_assert_eq!(found.held, None);
            let (rate, because) = found.beyond.unwrap();
            prop_assert!(rate <= range.step.get());
            prop_assert_eq!(because, rate);
        }

        #[test]
        fn one_that_never_breaks_has_the_ceiling(range in any_range()) {
            let (found, _) = of(u32::MAX, range);
            prop_assert_eq!(found, Found { held: Some((range.ceiling.get(), range.ceiling.get())), beyond: None });
        }
    }
}
