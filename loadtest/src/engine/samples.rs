//! From what the generator wrote to counts and latencies. Owns the two files' forms and what they leave out: a request
//! that failed is no row, and one that was due and never sent is nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generator::Order;
use super::{Cost, EngineError, system};
use crate::latency::count;
use crate::measurement::{self, Events, Measurement};
use crate::objectives::Objective;
use crate::scenario::Phase;

/// One second of a phase, as a result keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Answers to requests that were due in it.
    pub answers: u64,
    /// Those with a status of 400 or more.
    pub errors: u64,
    /// Half of the answers were faster, in milliseconds; without a value there were too few, or several machines sent the
    /// requests: such figures do not add up.
    pub p50_ms: Option<f64>,
    /// 99 of 100 answers were faster, in milliseconds; without a value as above.
    pub p99_ms: Option<f64>,
    /// Answers that count toward an objective, by its name.
    pub objectives: BTreeMap<String, Events>,
    /// What the service took in it; without a value it was not the harness that started it.
    pub service: Option<Cost>,
}

/// An answer, in seconds since the generator's start.
struct Sample {
    /// When the generator put the request in its queue; in a closed load, when it sent it.
    queued: f64,
    end: f64,
    status: u16,
}

/// What oha writes about the rest.
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "errorDistribution")]
    failures: BTreeMap<String, u64>,
}

pub(super) fn read(
    order: &Order,
    objectives: &[Objective],
) -> Result<(Measurement, Vec<Measurement>), EngineError> {
    let report = fs::read(order.report()).map_err(system("the generator's report"))?;
    let report: Report = serde_json::from_slice(&report).map_err(EngineError::Report)?;
    Ok(put_together(&samples(order)?, &report.failures, order.phase(), objectives))
}

/// All of them, in the order in which they were due.
fn samples(order: &Order) -> Result<Vec<Sample>, rusqlite::Error> {
    Connection::open(order.samples())?
        .prepare("SELECT COALESCE(start_latency_correction, start) AS queued, end, status FROM oha ORDER BY queued")?
        .query_map([], |row| Ok(Sample { queued: row.get(0)?, end: row.get(1)?, status: row.get(2)? }))?
        .collect()
}

fn put_together(
    samples: &[Sample],
    failures: &BTreeMap<String, u64>,
    phase: &Phase,
    objectives: &[Objective],
) -> (Measurement, Vec<Measurement>) {
    let mut seconds = vec![Measurement::default(); place(phase.seconds.ceil())];
    for (index, sample) in (0..).zip(samples) {
        let since = due(index, sample, phase, failures.is_empty()) - phase.warm_up_seconds;
        if !(0.0..phase.seconds).contains(&since) {
            continue;
        }
        let took =
            Duration::try_from_secs_f64(sample.end - phase.warm_up_seconds - since).unwrap_or_default();
        if let Some(second) = seconds.get_mut(place(since)) {
            second.answered(sample.status, took, objectives);
        }
    }
    for (from, second) in (0..).zip(&mut seconds) {
        let due_until =
            |second: u64| phase.rate.map(|rate| whole(f64::from(rate) * count(second).min(phase.seconds)));
        second.offered = match (due_until(from), due_until(from + 1)) {
            (Some(before), Some(with)) => with - before,
            _ => second.sent(),
        };
    }
    let mut measurement: Measurement = seconds.iter().collect();
    // When a failure was is not told, so those before and after count as well.
    for (reason, requests) in failures {
        measurement.failed(reason, *requests, objectives);
    }
    if phase.rate.is_none() {
        measurement.offered = measurement.sent();
    }
    (measurement, seconds)
}

/// When a request should have been sent.
///
/// oha notes the time after its timer fired, which hides how late the timer was. Where every request is a row, the row's
/// place in the order says when it was due. A failure is no row and shifts all places after it, so then oha's time has to do.
fn due(index: u64, sample: &Sample, phase: &Phase, is_complete: bool) -> f64 {
    match phase.rate {
        Some(rate) if is_complete => (count(index) / f64::from(rate)).min(sample.queued),
        _ => sample.queued,
    }
}

/// A count that was computed.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate times a length of time, both of which are checked"
)]
fn whole(number: f64) -> u64 {
    number.floor() as u64
}

/// Which second, or how many.
fn place(seconds: f64) -> usize {
    usize::try_from(whole(seconds)).unwrap_or_default()
}

impl From<Measurement> for Second {
    fn from(seen: Measurement) -> Self {
        let milliseconds = |quantile| Some(seen.latency.quantile(quantile)?.value?.as_secs_f64() * 1e3);
        Self {
            answers: seen.answers(),
            errors: seen.statuses.range(400..).map(|(_, answers)| answers).sum(),
            p50_ms: milliseconds(0.5),
            p99_ms: milliseconds(0.99),
            objectives: seen.objectives,
            service: seen.service,
        }
    }
}

/// The same second of several machines.
impl<'second> FromIterator<&'second Self> for Second {
    fn from_iter<T: IntoIterator<Item = &'second Self>>(all: T) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.answers += one.answers;
            sum.errors += one.errors;
            measurement::add(&mut sum.objectives, &one.objectives);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Latency;
    use crate::objectives::tests::fixed;
    use crate::payload::Route;

    const PHASE: fn() -> Phase = || Phase {
        name: "steady".to_owned(),
        route: Route::Api,
        rate: Some(10),
        connections: 1,
        identities: None,
        warm_up_seconds: 1.0,
        seconds: 2.0,
        overload: false,
        slow_clients: None,
        restarts: false,
        neighbour: None,
    };

    /// Ten a second for three and a half seconds, each answered after 10 ms; all in `stall` are queued only at its end.
    fn schedule(stall: std::ops::Range<f64>) -> Vec<Sample> {
        (0..35)
            .map(|index| {
                let due = f64::from(index) / 10.0;
                let queued = if stall.contains(&due) { stall.end } else { due };
                Sample { queued, end: queued + 0.01, status: 200 }
            })
            .collect()
    }

    fn slowest(measurement: &Measurement) -> u128 {
        let json = serde_json::to_value(&measurement.latency).unwrap();
        let latency: Latency = serde_json::from_value(json).unwrap();
        latency.slowest().as_millis()
    }

    #[test]
    fn what_is_sent_before_and_after_does_not_count() {
        let (measurement, seconds) = put_together(&schedule(0.0..0.0), &BTreeMap::new(), &PHASE(), &[]);
        assert_eq!((measurement.offered, measurement.sent()), (20, 20));
        assert_eq!(seconds.iter().map(|second| second.offered).collect::<Vec<_>>(), [10, 10]);
    }

    #[test]
    fn a_second_without_an_answer_is_a_second_too() {
        let objectives = [fixed("api-availability")];
        let samples =
            schedule(0.0..0.0).into_iter().filter(|sample| sample.queued >= 2.0).collect::<Vec<_>>();
        let failures = BTreeMap::from([("timeout".to_owned(), 20)]);
        let (_, seconds) = put_together(&samples, &failures, &PHASE(), &objectives);
        let [silent, answered] = &seconds[..] else { panic!("{seconds:?}") };
        assert_eq!(Second::from(silent.clone()), Second::default());
        assert_eq!(answered.objectives["api-availability"], Events { total: 10, bad: 0 });
    }

    #[test]
    fn a_generator_that_stood_still_does_not_hide_the_time() {
        let (measurement, _) = put_together(&schedule(1.5..2.5), &BTreeMap::new(), &PHASE(), &[]);
        assert_eq!(slowest(&measurement), 1_010);
    }

    #[test]
    fn with_failures_the_generators_own_time_has_to_do_and_all_of_them_count() {
        let failures = BTreeMap::from([("timeout".to_owned(), 3)]);
        let (measurement, _) = put_together(&schedule(1.5..2.5), &failures, &PHASE(), &[]);
        assert_eq!(slowest(&measurement), 10);
        assert_eq!((measurement.failures["timeout"], measurement.sent()), (3, 23));
    }
}
