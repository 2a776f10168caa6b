//! Whether a figure grows while a service is asked the same for long: the median of the slopes between its values, and
//! between what that slope lies. A stall of some seconds moves neither. Must never call flat what it cannot tell from a
//! slope.

use rust_decimal::prelude::ToPrimitive as _;
use statrs::distribution::{ContinuousCDF as _, Normal};
use statrs::statistics::{Data, OrderStatistics as _};

/// How sure the interval is.
const CONFIDENCE: f64 = 0.95;

/// Fewer values say nothing of a slope.
const LEAST_VALUES: usize = 30;

/// How much a figure grew from the first value to the last, as a share of its median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// By the median slope; negative where it fell.
    pub growth: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Trend {
    /// Of a figure at some times; none of fewer than thirty values, or of values whose median is zero.
    ///
    /// Slope and interval are those of Sen, Estimates of the Regression Coefficient Based on Kendall's Tau (1968), with
    /// his correction for values that are equal. Values that follow each other are taken to be independent: of those
    /// that are not, such as memory, the true interval is wider.
    #[must_use]
    pub fn of(values: &[(f64, f64)]) -> Option<Self> {
        if values.len() < LEAST_VALUES {
            return None;
        }
        let slopes = slopes(values);
        let last = slopes.len().checked_sub(1)?;
        let (pairs, spread) = (slopes.len().to_f64()?, spread(values)?);
        let low = ((pairs - spread) / 2.0).round().to_usize().unwrap_or(0).saturating_sub(1);
        let high = ((pairs + spread) / 2.0).round().to_usize()?.min(last);
        let figures: Vec<_> = values.iter().map(|(_, value)| *value).collect();
        let scale = (values.last()?.0 - values.first()?.0) / Data::new(figures).median();
        let trend = Self {
            low: slopes.get(low)? * scale,
            high: slopes.get(high)? * scale,
            growth: Data::new(slopes).median() * scale,
        };
        [trend.growth, trend.low, trend.high].iter().all(|share| share.is_finite()).then_some(trend)
    }
}

/// Between each two values at different times, the least first.
fn slopes(values: &[(f64, f64)]) -> Vec<f64> {
    let later = |from: usize| values.iter().skip(from + 1);
    let mut slopes: Vec<_> = (0..)
        .zip(values)
        .flat_map(|(at, one)| later(at).map(move |other| (other.0 - one.0, other.1 - one.1)))
        .filter(|(time, _)| *time != 0.0)
        .map(|(time, value)| value / time)
        .collect();
    slopes.sort_unstable_by(f64::total_cmp);
    slopes
}

/// How many of the slopes in their order the interval holds.
fn spread(values: &[(f64, f64)]) -> Option<f64> {
    let share = |number: f64| number * (number - 1.0) * 2.0_f64.mul_add(number, 5.0) / 18.0;
    let equal = |of: fn(&(f64, f64)) -> f64| {
        let mut sorted: Vec<_> = values.iter().map(of).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
            .chunk_by(|one, next| one == next)
            .filter_map(|same| same.len().to_f64())
            .map(share)
            .sum::<f64>()
    };
    let variance = share(values.len().to_f64()?) - equal(|(time, _)| *time) - equal(|(_, value)| *value);
    Some(Normal::standard().inverse_cdf(f64::midpoint(CONFIDENCE, 1.0)) * variance.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(first: f64, last: f64, noise: &[f64]) -> Vec<(f64, f64)> {
        let steps = f64::from(u32::try_from(noise.len() - 1).unwrap());
        (0_u32..)
            .zip(noise)
            .map(|(second, noise)| {
                let time = f64::from(second);
                (time, (last - first).mul_add(time / steps, first) + noise)
            })
            .collect()
    }

    #[test]
    fn a_line_without_noise_has_its_own_growth_and_no_doubt() {
        let Trend { growth, low, high } = Trend::of(&line(90.0, 110.0, &[0.0; 100])).unwrap();
        for share in [growth, low, high] {
            assert!((share - 0.2).abs() < 1e-9, "{share}");
        }
    }

    /// The values are NIST's Norris, of its Statistical Reference Datasets, some at the same time and some equal; slope
    /// and interval are those that SciPy 1.17.1 gives: `scipy.stats.theilslopes(value, time)`.
    #[test]
    fn slope_and_interval_are_those_of_a_reference() {
        let norris = [
            (0.2, 0.1),
            (337.4, 338.8),
            (118.2, 118.1),
            (884.6, 888.0),
            (10.1, 9.2),
            (226.5, 228.1),
            (666.3, 668.5),
            (996.3, 998.5),
            (448.6, 449.1),
            (777.0, 778.9),
            (558.2, 559.2),
            (0.4, 0.3),
            (0.6, 0.1),
            (775.5, 778.1),
            (666.9, 668.8),
            (338.0, 339.3),
            (447.5, 448.9),
            (11.6, 10.8),
            (556.0, 557.7),
            (228.1, 228.3),
            (995.8, 998.0),
            (887.6, 888.8),
            (120.2, 119.6),
            (0.3, 0.3),
            (0.3, 0.6),
            (556.8, 557.6),
            (339.1, 339.3),
            (887.2, 888.0),
            (999.0, 998.5),
            (779.0, 778.9),
            (11.1, 10.2),
            (118.3, 117.6),
            (229.2, 228.9),
            (669.1, 668.4),
            (448.9, 449.2),
            (0.5, 0.2),
        ];
        // From the first value to the last, and the median of the values.
        let share = |slope: f64| slope * (0.5 - 0.2) / 394.1;
        let Trend { growth, low, high } = Trend::of(&norris).unwrap();
        for (is, slope) in [
            (growth, 1.002_196_836_555_360_4),
            (low, 1.001_115_324_559_446_9),
            (high, 1.003_053_435_114_503_7),
        ] {
            assert!((is - share(slope)).abs() < 1e-12, "{is} is not {}", share(slope));
        }
    }

    #[test]
    fn a_stall_is_no_growth() {
        let mut noise: Vec<_> = (0..100).map(|second| f64::from(second % 2)).collect();
        noise[95] = 10_000.0;
        let Trend { growth, low, high } = Trend::of(&line(100.0, 100.0, &noise)).unwrap();
        assert!(growth.abs() < 1e-9 && low > -0.02 && high < 0.02, "{growth} {low} {high}");
    }

    #[test]
    fn too_few_values_have_no_trend() {
        assert_eq!(Trend::of(&line(1.0, 2.0, &[0.0; 29])), None);
        assert_eq!(Trend::of(&line(0.0, 0.0, &[0.0; 30])), None);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_growth_and_turns_with_the_time(
            noise in proptest::collection::vec(-5.0_f64..5.0, 30..200),
            last in 50.0_f64..200.0,
        ) {
            let values = line(100.0, last, &noise);
            let Trend { growth, low, high } = Trend::of(&values).unwrap();
            prop_assert!(low <= growth && growth <= high);
            let back: Vec<_> = values.iter().rev().zip(&values).map(|((_, value), (time, _))| (*time, *value)).collect();
            prop_assert!((Trend::of(&back).unwrap().growth + growth).abs() < 1e-9);
        }
    }
}
