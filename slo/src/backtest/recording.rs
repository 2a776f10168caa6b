//! Recorded samples, as Prometheus' `query_range` answers them. Owns their reading.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::numbers::Span;
use crate::objectives::{Indicator, Slo};
use crate::query::{QueryError, Selector};

/// Series on one grid of times.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The first time, in seconds since 1970.
    pub start: f64,
    /// The time between two samples.
    pub step: Span,
    /// How many times there are.
    pub steps: usize,
    /// The series.
    pub series: Vec<Recorded>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The metric.
    pub name: String,
    /// Its labels, without the name.
    pub labels: BTreeMap<String, String>,
    /// A value for each time of the grid; `None` where there was none.
    pub values: Vec<Option<f64>>,
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Another JSON.
    #[error("not an answer of Prometheus' query_range: {0}")]
    Json(#[from] serde_json::Error),
    /// Fewer than two times.
    #[error("expected at least two times in the recording, to know its step")]
    TooShort,
    /// Times off the grid.
    #[error("{series} has a sample at {at}, which is no whole number of steps of {step} after {start}")]
    OffTheGrid {
        /// Which series.
        series: String,
        /// The time that is wrong.
        at: f64,
        /// The grid.
        step: Span,
        /// Its beginning.
        start: f64,
    },
    /// A value that is none.
    #[error("{series}: {value:?} is no number")]
    NoNumber {
        /// Which series.
        series: String,
        /// What stands there.
        value: String,
    },
    /// A series without a name, which is what an expression yields.
    #[error("a series has no name: record the metrics that the service exports, not an expression of them")]
    Nameless,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Recording {
    /// Reads the JSON of an answer.
    ///
    /// # Errors
    ///
    /// Where it isn't one, or its samples don't lie on one grid.
    pub fn read(json: &str) -> Result<Self, RecordingError> {
        let Answer { data: Data { result } } = serde_json::from_str(json)?;
        let times = || result.iter().flat_map(|row| row.values.iter().map(|(at, _)| *at));
        let (start, end) =
            times().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
        let step = result.iter().flat_map(|row| row.values.windows(2)).filter_map(|two| match two {
            [(before, _), (after, _)] => Some(after - before),
            _ => None,
        });
        let step = step.fold(f64::INFINITY, f64::min);
        if !(step > 0.0 && step.is_finite()) {
            return Err(RecordingError::TooShort);
        }
        let grid = Grid {
            start,
            step: Span::from_millis(rounded(step * 1000.0)),
            steps: index(end - start, step) + 1,
        };
        let series = result.into_iter().map(|row| grid.series(row)).collect::<Result<_, _>>()?;
        Ok(Self { start, step: grid.step, steps: grid.steps, series })
    }

    /// Whether it has all that an objective is counted from. Without the series of fast answers all of them would look
    /// slow, as they have to while a service runs.
    ///
    /// # Errors
    ///
    /// When a selector doesn't parse, which the definitions' checks exclude.
    pub fn covers(&self, slo: &Slo) -> Result<bool, QueryError> {
        Ok(match &slo.indicator {
            Indicator::Events { total, .. } => self.has(total, |_| true),
            Indicator::Latency { total, .. } => {
                let fast = slo.fast()?;
                self.has(&total.of(format!("{}_count", total.metric())), |_| true)
                    && fast.is_some_and(|fast| self.has(&fast, |_| true))
            }
            // 0 says that there is nothing to watch.
            Indicator::Freshness { timestamp, .. } => self.has(timestamp, |value| value > 0.0),
        })
    }

    fn has(&self, selector: &Selector, value: impl Fn(f64) -> bool) -> bool {
        self.series.iter().any(|series| {
            let label = |name: &str| series.labels.get(name).map_or("", String::as_str);
            series.name == selector.metric()
                && selector.matchers().iter().all(|matcher| matcher.is_match(label(&matcher.name)))
                && series.values.iter().flatten().any(|number| value(*number))
        })
    }

    /// When the last sample is, after the first.
    pub(super) fn last(&self) -> Span {
        self.step.times(u64::try_from(self.steps.saturating_sub(1)).unwrap_or(u64::MAX))
    }

    /// How long it is.
    #[must_use]
    pub fn length(&self) -> Span {
        self.last().plus(self.step)
    }
}

struct Grid {
    start: f64,
    step: Span,
    steps: usize,
}

impl Grid {
    fn series(&self, Row { metric: mut labels, values: samples }: Row) -> Result<Recorded, RecordingError> {
        let name = labels.remove("__name__").ok_or(RecordingError::Nameless)?;
        let mut values = vec![None; self.steps];
        let step = self.step.millis() as f64 / 1000.0;
        for (at, value) in samples {
            let after = at - self.start;
            let wrong = || RecordingError::OffTheGrid {
                series: name.clone(),
                at,
                step: self.step,
                start: self.start,
            };
            let place = index(after, step);
            if (place as f64).mul_add(-step, after).abs() > step / 100.0 {
                return Err(wrong());
            }
            let number: f64 =
                value.parse().map_err(|_error| RecordingError::NoNumber { series: name.clone(), value })?;
            *values.get_mut(place).ok_or_else(wrong)? = Some(number).filter(|number| number.is_finite());
        }
        Ok(Recorded { name, labels, values })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of steps or milliseconds, which was checked to be positive"
)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

fn index(after: f64, step: f64) -> usize {
    usize::try_from(rounded((after / step).max(0.0))).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answer(values: &str) -> String {
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[
            {{"metric":{{"__name__":"up","job":"a"}},"values":[{values}]}}]}}}}"#
        )
    }

    #[test]
    fn a_gap_is_no_value() {
        let recording = Recording::read(&answer(r#"[100,"1"],[115,"2"],[145,"NaN"],[160,"4e+2"]"#)).unwrap();
        assert_eq!((recording.start, recording.step, recording.steps), (100.0, Span::from_secs(15), 5));
        let [Recorded { name, values, .. }] = &recording.series[..] else { panic!("{recording:?}") };
        assert_eq!(
            (name.as_str(), &values[..]),
            ("up", &[Some(1.0), Some(2.0), None, None, Some(400.0)][..])
        );
    }

    #[rstest]
    #[case::other_json("{}", "not an answer")]
    #[case::nothing(&answer(""), "at least two times")]
    #[case::one_time(&answer(r#"[100,"1"]"#), "at least two times")]
    #[case::off_the_grid(&answer(r#"[100,"1"],[115,"2"],[137,"3"]"#), "up has a sample at 137")]
    #[case::no_number(&answer(r#"[100,"1"],[115,"two"]"#), "up: \"two\" is no number")]
    #[case::nameless(&answer(r#"[100,"1"],[115,"2"]"#).replace("__name__", "name"), "a series has no name")]
    fn refuses(#[case] json: &str, #[case] says: &str) {
        let error = Recording::read(json).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
