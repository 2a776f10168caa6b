//! Whether a figure grows while a service is asked the same for long: the line of least squares through its values, and
//! between what its slope lies. Must never call flat what it cannot tell from a slope.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// How sure the interval is.
const CONFIDENCE: f64 = 0.95;

/// Fewer values say nothing of a slope.
const LEAST_VALUES: usize = 30;

/// How much a figure grew from the first value to the last, as a share of its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// As the line has it; negative where it fell.
    pub growth: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Trend {
    /// Of a figure at some times; none of fewer than thirty values, or of values whose mean is zero.
    ///
    /// The interval is that of the slope in a simple linear regression (Draper and Smith, Applied Regression Analysis,
    /// section 1.4). Values that follow each other are taken to be independent: of those that are not, such as memory,
    /// the true interval is wider.
    #[must_use]
    pub fn of(values: &[(f64, f64)]) -> Option<Self> {
        if values.len() < LEAST_VALUES {
            return None;
        }
        let number: f64 = values.iter().map(|_| 1.0).sum();
        let mean = |of: fn(&(f64, f64)) -> f64| values.iter().map(of).sum::<f64>() / number;
        let (mean_time, mean_value) = (mean(|(time, _)| *time), mean(|(_, value)| *value));
        let sum = |of: &dyn Fn(f64, f64) -> f64| {
            values.iter().map(|(time, value)| of(time - mean_time, value - mean_value)).sum::<f64>()
        };
        let spread = sum(&|time, _| time * time);
        let slope = sum(&|time, value| time * value) / spread;
        let residual = sum(&|time, value| slope.mul_add(-time, value).powi(2)) / (number - 2.0);
        let quantile =
            StudentsT::new(0.0, 1.0, number - 2.0).ok()?.inverse_cdf(f64::midpoint(CONFIDENCE, 1.0));
        let half = quantile * (residual / spread).sqrt();
        let lasts = values.last()?.0 - values.first()?.0;
        let share = |slope: f64| slope * lasts / mean_value;
        let trend = Self { growth: share(slope), low: share(slope - half), high: share(slope + half) };
        [trend.growth, trend.low, trend.high].iter().all(|share| share.is_finite()).then_some(trend)
    }
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

    /// NIST's Norris, of its Statistical Reference Datasets: slope 1.00211681802045, its standard deviation
    /// 0.000429796848199937, 36 values; t at 0.975 with 34 degrees of freedom is 2.032245.
    #[test]
    fn slope_and_interval_are_those_of_a_reference_data_set() {
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
        let mean = norris.iter().map(|(_, value)| value).sum::<f64>() / 36.0;
        // From the first value to the last.
        let lasts = 0.5 - 0.2;
        let Trend { growth, low, high } = Trend::of(&norris).unwrap();
        let slope = |share: f64| share * mean / lasts;
        assert!((slope(growth) - 1.002_116_818_020_45).abs() < 1e-9);
        let half = 2.032_245 * 0.000_429_796_848_199_937;
        assert!(2.0_f64.mul_add(-half, slope(high) - slope(low)).abs() < 1e-8);
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
