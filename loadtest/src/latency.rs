//! How long answers took, and what may be said about it. Owns percentiles and their intervals; must never print one
//! with too few samples behind it, and must never let a request without an answer make a run look faster.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2Serializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF as _};

/// Three significant digits: a value is kept to a thousandth of itself.
const DIGITS: u8 = 3;

/// Samples that have to lie beyond a quantile before it is claimed: p99.9 needs 10,000 of them in all.
pub const LEAST_BEYOND: u32 = 10;

/// How sure an interval is: in 95 of 100 runs it holds the true quantile.
const CONFIDENCE: f64 = 0.95;

/// What reports print, where there are enough samples.
pub const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// The latencies of a run's requests. Those without an answer are slower than any answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub struct Latency {
    /// Nanoseconds from when a request should have been sent to the end of its answer.
    answered: Histogram<u64>,
    unanswered: u64,
}

/// A quantile, and between what the true one lies in 95 of 100 runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// Such as 0.99.
    pub quantile: f64,
    /// What the samples say; without a value, the quantile is among the requests that got no answer.
    pub value: Option<Duration>,
    /// The interval's lower end.
    pub low: Option<Duration>,
    /// The interval's upper end.
    pub high: Option<Duration>,
}

/// A histogram that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum HistogramError {
    /// Not base64.
    #[error("hdr_v2_base64 is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not a histogram.
    #[error("hdr_v2_base64 is not an HdrHistogram in V2 form: {0}")]
    Form(#[from] hdrhistogram::serialization::DeserializeError),
}

impl Latency {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        #[expect(clippy::expect_used, reason = "three digits are among the one to five that are allowed")]
        let answered = Histogram::new(DIGITS).expect("a number of digits that is allowed");
        Self { answered, unanswered: 0 }
    }

    /// An answer that took so long.
    pub fn answer(&mut self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        #[expect(clippy::expect_used, reason = "a histogram made by `new` grows to whatever is recorded")]
        self.answered.record(nanoseconds).expect("a histogram that grows");
    }

    /// So many requests that failed or were still waiting when their time was up.
    pub fn no_answer(&mut self, requests: u64) {
        self.unanswered += requests;
    }

    /// Adds another run's, or another machine's.
    pub fn merge(&mut self, other: &Self) {
        #[expect(clippy::expect_used, reason = "a histogram made by `new` grows to whatever is added")]
        self.answered.add(&other.answered).expect("a histogram that grows");
        self.unanswered += other.unanswered;
    }

    /// All requests, answered or not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.answered.len() + self.unanswered
    }

    /// The requests that got no answer.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.unanswered
    }

    /// The slowest answer; zero without one.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        Duration::from_nanos(self.answered.max())
    }

    /// Answers by the bound that they are not above while they are above the one before it, in seconds from the least; last
    /// those above all.
    #[must_use]
    pub fn by_bound<const BOUNDS: usize>(&self, bounds: &[f64; BOUNDS]) -> Vec<u64> {
        let mut answers = vec![0; BOUNDS + 1];
        for step in self.answered.iter_recorded() {
            let took = Duration::from_nanos(step.value_iterated_to()).as_secs_f64();
            let place = bounds.partition_point(|bound| *bound < took);
            if let Some(answers) = answers.get_mut(place) {
                *answers += step.count_since_last_iteration();
            }
        }
        answers
    }

    /// All answers' times together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_secs_f64(self.answered.mean() * count(self.answered.len()) / 1e9)
    }

    /// A quantile of all requests, if [`LEAST_BEYOND`] of them lie beyond it.
    ///
    /// The interval is that of order statistics: the number of samples below the true quantile is binomial, so the
    /// samples at the ranks that hold 95 % of that distribution enclose it, whatever the latencies are distributed like
    /// (Hahn and Meeker, Statistical Intervals, section 5.2).
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Quantile> {
        let requests = count(self.requests());
        if !(0.0..1.0).contains(&quantile) || requests * (1.0 - quantile) < f64::from(LEAST_BEYOND) {
            return None;
        }
        let below = Binomial::new(quantile, self.requests()).ok()?;
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Some(Quantile {
            quantile,
            value: self.at_rank(rank(requests * quantile)),
            low: self.at_rank(below.inverse_cdf(tail)),
            high: self.at_rank(below.inverse_cdf(1.0 - tail) + 1),
        })
    }

    /// Those of [`QUANTILES`] that may be claimed.
    #[must_use]
    pub fn quantiles(&self) -> Vec<Quantile> {
        QUANTILES.iter().filter_map(|quantile| self.quantile(*quantile)).collect()
    }

    /// The sample with so many at or below it; none among the requests that got no answer.
    fn at_rank(&self, rank: u64) -> Option<Duration> {
        if rank > self.answered.len() {
            return None;
        }
        let mut seen = 0;
        self.answered.iter_recorded().find_map(|step| {
            seen += step.count_since_last_iteration();
            (seen >= rank).then(|| Duration::from_nanos(step.value_iterated_to()))
        })
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts of requests are far below 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^53"
)]
pub(crate) fn count(requests: u64) -> f64 {
    requests as f64
}

/// The rank from 1 that a fraction of all requests falls on.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count of requests"
)]
fn rank(position: f64) -> u64 {
    (position.ceil() as u64).max(1)
}

/// Latencies as a result's file holds them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Latency")]
struct Written {
    /// Nanoseconds, as an HdrHistogram in V2 form with three significant digits: histograms of runs and machines add up.
    hdr_v2_base64: String,
    /// Requests that got no answer: slower than any threshold.
    unanswered: u64,
}

impl From<Latency> for Written {
    fn from(latency: Latency) -> Self {
        let mut bytes = Vec::new();
        #[expect(clippy::expect_used, reason = "writing into memory does not fail")]
        V2Serializer::new().serialize(&latency.answered, &mut bytes).expect("a histogram in memory");
        Self { hdr_v2_base64: STANDARD.encode(bytes), unanswered: latency.unanswered }
    }
}

impl TryFrom<Written> for Latency {
    type Error = HistogramError;

    fn try_from(written: Written) -> Result<Self, HistogramError> {
        let bytes = STANDARD.decode(written.hdr_v2_base64)?;
        let mut answered: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice())?;
        answered.auto(true);
        Ok(Self { answered, unanswered: written.unanswered })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn of(nanoseconds: &[u64], unanswered: u64) -> Latency {
        let mut latency = Latency::new();
        for took in nanoseconds {
            latency.answer(Duration::from_nanos(*took));
        }
        latency.no_answer(unanswered);
        latency
    }

    fn merged(one: &Latency, other: &Latency) -> Latency {
        let mut sum = one.clone();
        sum.merge(other);
        sum
    }

    #[rstest]
    #[case::p99_needs_a_thousand(0.99, 999, false)]
    #[case::a_thousand_are_enough_for_p99(0.99, 1_000, true)]
    #[case::p99_9_needs_ten_thousand(0.999, 9_999, false)]
    #[case::ten_thousand_are_enough_for_p99_9(0.999, 10_000, true)]
    #[case::nothing_says_nothing(0.5, 0, false)]
    #[case::the_slowest_of_all_is_never_claimed(1.0, 10_000, false)]
    fn a_quantile_with_too_few_samples_behind_it_is_not_claimed(
        #[case] quantile: f64,
        #[case] requests: usize,
        #[case] claimed: bool,
    ) {
        assert_eq!(of(&vec![1_000_000; requests], 0).quantile(quantile).is_some(), claimed);
    }

    #[test]
    fn a_request_without_an_answer_is_slower_than_every_answer() {
        let mostly_dead = of(&[1_000; 400], 600);
        assert_eq!(mostly_dead.quantile(0.3).unwrap().value, Some(Duration::from_nanos(1_000)));
        assert_eq!(mostly_dead.quantile(0.5).unwrap().value, None);
        assert_eq!(mostly_dead.requests(), 1_000);
    }

    #[test]
    fn the_interval_is_the_one_of_the_binomial_distribution() {
        // Of 1,000 fair coins 95 in 100 throws show between 469 and 531 heads.
        let evenly: Vec<u64> = (1..=1_000).map(|millisecond| millisecond * 1_000_000).collect();
        let median = of(&evenly, 0).quantile(0.5).unwrap();
        let millis = |value: Option<Duration>| value.unwrap().as_millis();
        assert_eq!((millis(median.low), millis(median.value), millis(median.high)), (469, 500, 532));
    }

    proptest! {
        // Histograms are large; what differs between cases is not.
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_does_not_matter_who_is_merged_first(
            one in vec(0_u64..10_000_000_000, 0..50),
            other in vec(0_u64..10_000_000_000, 0..50),
            third in vec(0_u64..10_000_000_000, 0..50),
            unanswered in 0_u64..100,
        ) {
            let (one, other, third) = (of(&one, unanswered), of(&other, 0), of(&third, 1));
            prop_assert_eq!(merged(&merged(&one, &other), &third), merged(&one, &merged(&other, &third)));
            prop_assert_eq!(merged(&one, &other), merged(&other, &one));
        }

        #[test]
        fn merged_quantiles_are_those_of_the_pooled_samples(
            mut one in vec(1_u64..10_000_000_000, 20..200),
            other in vec(1_u64..10_000_000_000, 20..200),
        ) {
            let both = merged(&of(&one, 0), &of(&other, 0));
            one.extend(other);
            one.sort_unstable();
            let exact = one[one.len().div_ceil(2) - 1] as f64;
            let said = both.quantile(0.5).unwrap().value.unwrap().as_nanos() as f64;
            prop_assert!((said - exact).abs() <= exact / 1e3 + 1.0, "{said} for {exact}");
        }

        #[test]
        fn what_is_written_is_read_again(samples in vec(0_u64..10_000_000_000, 0..50), unanswered in 0_u64..100) {
            let latency = of(&samples, unanswered);
            let text = serde_json::to_string(&latency).unwrap();
            let again: Latency = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(merged(&again, &latency), merged(&latency, &again));
            prop_assert_eq!(again, latency);
        }
    }

    #[rstest]
    #[case::no_base64("%", "is not base64")]
    #[case::no_histogram("AAAA", "is not an HdrHistogram")]
    fn a_histogram_that_is_none_is_refused(#[case] text: &str, #[case] says: &str) {
        let written = serde_json::json!({ "hdr_v2_base64": text, "unanswered": 0 });
        let error = serde_json::from_value::<Latency>(written).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
