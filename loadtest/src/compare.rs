//! Whether a difference between two builds is real: the ratio of their latencies over runs taken in turns, with a
//! bootstrap interval. Must never call one a difference whose interval holds 1.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use crate::latency::QUANTILES;
use crate::result::RunResult;
use crate::verdict::Outcome;

/// With five pairs all on one side, which chance alone does in 6 of 100 cases, an interval would already leave out 1; with
/// six it is 3 of 100.
pub(crate) const LEAST_PAIRS: usize = 6;

/// The ends of an interval are the fiftieth from each side.
const RESAMPLES: usize = 2_000;

/// The same runs give the same interval.
const SEED: u64 = 0;

/// The latency after, as a multiple of the latency before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Of which quantile, such as 0.99.
    pub quantile: f64,
    /// The geometric mean over the pairs.
    pub ratio: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Why nobody can say.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// Not as many on one side as on the other.
    #[error("{before} runs before and {after} after; expected as many, taken in turns")]
    Unequal {
        /// On one side.
        before: usize,
        /// On the other.
        after: usize,
    },
    /// Too few for an interval.
    #[error(
        "{0} pairs of runs; at least {LEAST_PAIRS} are needed before chance can be told from a difference"
    )]
    TooFew(usize),
    /// Runs that measured different things.
    #[error("{one} and {other} differ in {what}, so their latencies can't be compared")]
    Different {
        /// A run.
        one: String,
        /// Another.
        other: String,
        /// In what.
        what: &'static str,
    },
    /// A run that nobody believes.
    #[error("{0} is invalid: {1}")]
    Invalid(String, String),
    /// No quantile that all of them can claim.
    #[error("no percentile has enough answers in every run")]
    NoQuantile,
}

impl Ratio {
    /// Whether the interval leaves 1 out.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.low > 1.0 || self.high < 1.0
    }
}

/// Compares runs of two builds; the first of each side were taken one after the other, and so on.
///
/// # Errors
///
/// When nobody can say.
pub fn compare(before: &[RunResult], after: &[RunResult]) -> Result<Vec<Ratio>, CompareError> {
    if before.len() != after.len() {
        return Err(CompareError::Unequal { before: before.len(), after: after.len() });
    }
    if before.len() < LEAST_PAIRS {
        return Err(CompareError::TooFew(before.len()));
    }
    comparable(before, after)?;
    let ratios: Vec<_> = QUANTILES.iter().filter_map(|quantile| ratio(before, after, *quantile)).collect();
    if ratios.is_empty() { Err(CompareError::NoQuantile) } else { Ok(ratios) }
}

fn comparable(before: &[RunResult], after: &[RunResult]) -> Result<(), CompareError> {
    let mut all = before.iter().chain(after);
    let Some(one) = all.next() else { return Ok(()) };
    for run in before.iter().chain(after) {
        if run.verdict.outcome == Outcome::Invalid {
            return Err(CompareError::Invalid(run.run_id.clone(), run.verdict.because.clone()));
        }
        let differs = [
            ("scenario", run.scenario != one.scenario),
            ("bodies", run.payload_sha256 != one.payload_sha256),
            ("processor", run.machine.cpu != one.machine.cpu || run.machine.cores != one.machine.cores),
            ("kernel", run.machine.kernel != one.machine.kernel),
            ("build of the harness", run.machine.build_profile != one.machine.build_profile),
        ];
        if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            return Err(CompareError::Different { one: one.run_id.clone(), other: run.run_id.clone(), what });
        }
    }
    Ok(())
}

/// Of a quantile, if every run can claim it.
fn ratio(before: &[RunResult], after: &[RunResult], quantile: f64) -> Option<Ratio> {
    let log = |run: &RunResult| {
        Some(run.measurement().latency.quantile(quantile)?.value?.as_secs_f64().max(f64::MIN_POSITIVE).ln())
    };
    let differences: Vec<f64> = before
        .iter()
        .zip(after)
        .map(|(before, after)| Some(log(after)? - log(before)?))
        .collect::<Option<_>>()?;
    let (low, high) = interval(&differences)?;
    Some(Ratio { quantile, ratio: mean(&differences).exp(), low: low.exp(), high: high.exp() })
}

/// The percentile bootstrap's 95 % interval of a mean (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
pub(crate) fn interval(values: &[f64]) -> Option<(f64, f64)> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let again: Vec<f64> = values.iter().filter_map(|_| values.choose(&mut random).copied()).collect();
            mean(&again)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Some((*means.get(RESAMPLES / 40)?, *means.get(RESAMPLES - RESAMPLES / 40)?))
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a number of runs")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::measurement::Measurement;
    use crate::result::tests::run;

    /// A run whose answers all took so long.
    fn of(microseconds: u64) -> RunResult {
        let mut measurement = Measurement::default();
        for _ in 0..1_000 {
            measurement.answered(200, Duration::from_micros(microseconds), &[]);
        }
        run(measurement)
    }

    fn all(microseconds: &[u64]) -> Vec<RunResult> {
        microseconds.iter().map(|microseconds| of(*microseconds)).collect()
    }

    const BEFORE: [u64; 6] = [1_000, 1_100, 900, 1_050, 950, 1_000];

    #[rstest]
    #[case::the_same(BEFORE, false)]
    #[case::noise([1_080, 1_000, 1_000, 990, 1_000, 960], false)]
    #[case::a_tenth_slower([1_100, 1_210, 1_000, 1_150, 1_040, 1_110], true)]
    #[case::half_the_time([500, 550, 450, 520, 480, 500], true)]
    fn a_difference_is_shown_where_chance_does_not_make_it(#[case] after: [u64; 6], #[case] is_shown: bool) {
        let ratios = compare(&all(&BEFORE), &all(&after)).unwrap();
        assert!(!ratios.is_empty());
        for ratio in ratios {
            assert_eq!(ratio.is_shown(), is_shown, "{ratio:?}");
            assert!(ratio.low <= ratio.ratio && ratio.ratio <= ratio.high, "{ratio:?}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let before = all(&BEFORE);
        assert_eq!(compare(&before, &before[1..]), Err(CompareError::Unequal { before: 6, after: 5 }));
        assert_eq!(compare(&before[1..], &before[1..]), Err(CompareError::TooFew(5)));
        let mut elsewhere = before.clone();
        elsewhere[3].machine.cores += 1;
        assert!(compare(&before, &elsewhere).unwrap_err().to_string().contains("differ in processor"));
        let mut doubtful = before.clone();
        doubtful[3].verdict.outcome = Outcome::Invalid;
        assert!(matches!(compare(&before, &doubtful), Err(CompareError::Invalid(..))));
    }

    proptest! {
        // Thousands of resamples each.
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn who_is_called_before_only_turns_the_ratio_over(
            before in proptest::collection::vec(100_u64..10_000, 6),
            after in proptest::collection::vec(100_u64..10_000, 6),
        ) {
            let one = compare(&all(&before), &all(&after)).unwrap()[0];
            let other = compare(&all(&after), &all(&before)).unwrap()[0];
            prop_assert!((one.ratio.mul_add(other.ratio, -1.0)).abs() < 1e-9);
        }
    }
}
