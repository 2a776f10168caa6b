//! What a run saw, told to a collector second by second as if it had been scraped: the metrics of `loadtest/metrics.json`,
//! by OTLP over HTTP. Told once a phase is over, because the generator keeps its samples until then; must never change
//! what comes of a run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use ureq::Agent;

use crate::engine::Seen;
use crate::measurement::Measurement;
use crate::verdict::AllowedStatus;

/// Where a receiver of OTLP takes metrics (OTLP specification 1.9, section "OTLP/HTTP Request").
const PATH: &str = "/v1/metrics";

/// How long a collector may take for a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Seconds that are told in one request.
const AT_ONCE: usize = 60;

/// Upper bounds of the histogram of latencies, in seconds: those of the service's own.
const BOUNDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// What tells one run from another.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The run.
    pub run_id: String,
    /// Its scenario.
    pub scenario: String,
    /// The commit of the harness.
    pub commit: String,
}

/// Somebody who is told.
#[derive(Debug)]
pub struct Reporter {
    agent: Agent,
    url: String,
    resource: Resource,
    /// When the first phase began to count, in nanoseconds since 1970.
    begun: Option<u64>,
    totals: Totals,
}

/// A collector that was not told.
#[derive(Debug, thiserror::Error)]
#[error("{url} was not told what was seen: {source}; expected a receiver of OTLP over HTTP")]
pub struct NotTold {
    url: String,
    source: Box<ureq::Error>,
}

/// All that was seen until then.
#[derive(Debug, Clone, Default, PartialEq)]
struct Totals {
    offered: u64,
    delivered: u64,
    wrong: u64,
    /// Answers by the bound that they are below and no other, then those above all.
    answers: [u64; BOUNDS.len() + 1],
    /// Of all answers together.
    seconds: f64,
}

/// The same, at a time in nanoseconds since 1970.
#[derive(Debug)]
struct Point {
    at: u64,
    totals: Totals,
}

impl Reporter {
    /// Who tells the collector at that address, such as `http://127.0.0.1:4318`.
    #[must_use]
    pub fn to(endpoint: &str, labels: &Labels) -> Self {
        let Labels { run_id, scenario, commit } = labels;
        let attributes =
            [("service.name", "loadtest"), ("run_id", run_id), ("scenario", scenario), ("commit", commit)];
        Self {
            agent: Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into(),
            url: format!("{}{PATH}", endpoint.trim_end_matches('/')),
            resource: Resource {
                attributes: attributes.map(|(key, value)| attribute(key, value)).into(),
                ..Resource::default()
            },
            begun: None,
            totals: Totals::default(),
        }
    }

    /// Tells what a phase saw that began to count at that time. Answers with one of these statuses are not wrong.
    ///
    /// # Errors
    ///
    /// When the collector does not take it.
    pub fn tell(&mut self, began: SystemTime, seen: &Seen, allowed: &[AllowedStatus]) -> Result<(), NotTold> {
        let points = self.points(nanoseconds(began), seen, allowed);
        let begun = *self.begun.get_or_insert(nanoseconds(began));
        for points in points.chunks(AT_ONCE) {
            let request = self.agent.post(&self.url).header("content-type", "application/x-protobuf");
            request
                .send(self.request(points, begun).encode_to_vec())
                .map_err(|source| NotTold { url: self.url.clone(), source: Box::new(source) })?;
        }
        Ok(())
    }

    /// As it was when the phase began, and after each of its seconds.
    fn points(&mut self, began: u64, seen: &Seen, allowed: &[AllowedStatus]) -> Vec<Point> {
        let mut points = vec![Point { at: began, totals: self.totals.clone() }];
        let last = seen.seconds.len();
        for (number, (at, second)) in
            (1..).zip((1..).map(|second| began + second * NANOSECONDS).zip(&seen.seconds))
        {
            self.totals.add(second, allowed);
            if number == last {
                // Nobody notes in which second an answer was compared.
                self.totals.wrong += seen.measurement.checks.wrong;
            }
            points.push(Point { at, totals: self.totals.clone() });
        }
        points
    }

    fn request(&self, points: &[Point], begun: u64) -> ExportMetricsServiceRequest {
        let metrics = vec![
            counter("loadtest_offered_requests", points, begun, |totals| totals.offered),
            counter("loadtest_delivered_requests", points, begun, |totals| totals.delivered),
            counter("loadtest_wrong_answers", points, begun, |totals| totals.wrong),
            durations(points, begun),
        ];
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }],
                ..ResourceMetrics::default()
            }],
        }
    }
}

impl Totals {
    fn add(&mut self, second: &Measurement, allowed: &[AllowedStatus]) {
        self.offered += second.offered;
        self.delivered += second.answers();
        self.wrong += second
            .statuses
            .iter()
            .filter(|(status, _)| allowed.iter().all(|allowed| allowed.status != **status))
            .map(|(_, answers)| answers)
            .sum::<u64>();
        for (sum, answers) in self.answers.iter_mut().zip(second.latency.by_bound(&BOUNDS)) {
            *sum += answers;
        }
        self.seconds += second.latency.sum().as_secs_f64();
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

fn nanoseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(value.to_owned()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

/// Prometheus adds `_total`.
fn counter(name: &str, points: &[Point], begun: u64, of: fn(&Totals) -> u64) -> Metric {
    let point = |Point { at, totals }: &Point| NumberDataPoint {
        start_time_unix_nano: begun,
        time_unix_nano: *at,
        value: Some(number_data_point::Value::AsInt(of(totals).cast_signed())),
        ..NumberDataPoint::default()
    };
    let data = metric::Data::Sum(Sum {
        data_points: points.iter().map(point).collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    });
    Metric { name: name.to_owned(), data: Some(data), ..Metric::default() }
}

/// Prometheus adds the unit.
fn durations(points: &[Point], begun: u64) -> Metric {
    let point = |Point { at, totals }: &Point| HistogramDataPoint {
        start_time_unix_nano: begun,
        time_unix_nano: *at,
        count: totals.answers.iter().sum(),
        sum: Some(totals.seconds),
        bucket_counts: totals.answers.to_vec(),
        explicit_bounds: BOUNDS.to_vec(),
        ..HistogramDataPoint::default()
    };
    let data = metric::Data::Histogram(Histogram {
        data_points: points.iter().map(point).collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
    });
    Metric {
        name: "loadtest_request_duration".to_owned(),
        unit: "s".to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second in which one was answered with 200 after 2 ms, and one refused after a minute.
    fn second() -> Measurement {
        let mut second = Measurement { offered: 3, ..Measurement::default() };
        second.answered(200, Duration::from_millis(2), &[]);
        second.answered(429, Duration::from_secs(60), &[]);
        second
    }

    fn seen(seconds: usize, wrong: u64) -> Seen {
        let mut measurement = Measurement::default();
        measurement.checks.wrong = wrong;
        Seen {
            measurement,
            seconds: vec![second(); seconds],
            slow_clients: None,
            neighbour: None,
            flags: Vec::new(),
        }
    }

    fn reporter() -> Reporter {
        let labels = Labels { run_id: "r".to_owned(), scenario: "s".to_owned(), commit: "c".to_owned() };
        Reporter::to("http://127.0.0.1:4318/", &labels)
    }

    #[test]
    fn counts_rise_from_nothing_and_from_phase_to_phase() {
        let mut reporter = reporter();
        let allowed = [AllowedStatus { status: 200, at_most: None }];
        let first = reporter.points(0, &seen(2, 7), &allowed);
        let of = |points: &[Point]| -> Vec<_> {
            points
                .iter()
                .map(|Point { at, totals }| (*at, totals.offered, totals.delivered, totals.wrong))
                .collect()
        };
        let second = NANOSECONDS;
        assert_eq!(of(&first), [(0, 0, 0, 0), (second, 3, 2, 1), (2 * second, 6, 4, 9)]);
        let next = reporter.points(5 * second, &seen(1, 0), &allowed);
        assert_eq!(of(&next), [(5 * second, 6, 4, 9), (6 * second, 9, 6, 10)]);
    }

    #[test]
    fn an_answer_is_in_the_bucket_of_the_least_bound_that_it_is_not_above() {
        let points = reporter().points(0, &seen(1, 0), &[]);
        let totals = &points[1].totals;
        let filled: Vec<_> = (0..).zip(totals.answers).filter(|(_, answers)| *answers > 0).collect();
        assert_eq!(filled, [(2, 1), (BOUNDS.len(), 1)]);
        assert!((totals.seconds - 60.002).abs() < 0.1, "{}", totals.seconds);
    }

    #[test]
    fn each_threshold_of_an_objective_is_a_bound() {
        let objectives = crate::objectives::Objectives::read(include_str!("../objectives.json")).unwrap();
        let latency = objectives.named("api-latency").unwrap();
        let threshold: f64 = latency.threshold_seconds.unwrap().try_into().unwrap();
        assert!(BOUNDS.contains(&threshold), "{threshold}");
    }

    #[test]
    fn the_bounds_are_those_of_the_service() {
        let metrics: serde_json::Value =
            serde_json::from_str(include_str!("../../services/inference/metrics.json")).unwrap();
        let mut metrics = metrics["metrics"].as_array().unwrap().iter();
        let own = metrics.find(|metric| metric["name"] == "http_server_request_duration_seconds").unwrap();
        let own = own["buckets"].as_array().unwrap().iter();
        let own: Vec<f64> = own.map(|bound| bound.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(own, BOUNDS);
    }

    #[test]
    fn the_metrics_are_those_that_are_declared() {
        let declared: serde_json::Value = serde_json::from_str(include_str!("../metrics.json")).unwrap();
        let declared: Vec<_> = declared["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| metric["name"].as_str().unwrap())
            .collect();
        let mut reporter = reporter();
        let points = reporter.points(0, &seen(1, 0), &[]);
        let request = reporter.request(&points, 0);
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        // As Prometheus names them.
        let mut told: Vec<_> = metrics
            .iter()
            .map(
                |Metric { name, unit, .. }| {
                    if unit == "s" { format!("{name}_seconds") } else { format!("{name}_total") }
                },
            )
            .collect();
        told.sort_unstable();
        assert_eq!(told, declared);
    }
}
