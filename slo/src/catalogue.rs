//! What may be named in an expression: the metrics that programs say they export, and the series that rules record.
//!
//! Owns the reading of `metrics.json` files and the judgement of an expression against them. Must never hold the name of
//! a metric of ours itself: a name that is written twice goes stale once.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::VectorSelector;
use serde::Deserialize;

use crate::objectives::Objectives;
use crate::query::Query;
use crate::rules::{Rule, RuleFile};

/// Labels that Prometheus adds to whatever it scrapes.
const OF_THE_TARGET: [&str; 2] = ["instance", "job"];

/// What Prometheus itself makes of every target and every alert.
const OF_PROMETHEUS: [(&str, &[&str]); 4] = [
    ("up", &[]),
    ("scrape_duration_seconds", &[]),
    ("scrape_samples_scraped", &[]),
    ("ALERTS", &["alertname", "alertstate", "service", "severity", "slo"]),
];

/// A file that says what a program exports, such as `services/inference/metrics.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalogue {
    /// The metrics.
    pub metrics: Vec<Metric>,
}

/// One metric.
#[derive(Debug, Clone, Deserialize)]
pub struct Metric {
    /// Its name; of a histogram without `_bucket`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its unit in words, such as `seconds`.
    pub unit: String,
    /// What it means.
    pub help: String,
    /// Its labels, each with the values that may be named; none where they aren't known before the program runs.
    pub labels: BTreeMap<String, Option<BTreeSet<String>>>,
    /// The upper bounds of a histogram, as the label `le` has them.
    #[serde(default)]
    pub buckets: BTreeSet<String>,
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by upper bound.
    Histogram,
}

/// The values that a label may be compared with.
type Labels = BTreeMap<String, Option<BTreeSet<String>>>;

/// All series by name, with their labels.
#[derive(Debug, Clone, Default)]
pub struct Known(BTreeMap<String, Labels>);

impl Known {
    /// What Prometheus makes itself, and what those programs export.
    #[must_use]
    pub fn of(catalogues: &[Catalogue]) -> Self {
        let mut known = Self::default();
        for (name, labels) in OF_PROMETHEUS {
            known.add(name, labels.iter().map(|label| ((*label).to_owned(), None)).collect());
        }
        for metric in catalogues.iter().flat_map(|catalogue| &catalogue.metrics) {
            known.metric(metric);
        }
        known
    }

    /// The same, with the bounds that the objectives give to histograms: those of a catalogue are of before a change.
    #[must_use]
    pub fn measured_by(mut self, objectives: &Objectives) -> Self {
        for histogram in &objectives.histograms {
            if let Some(labels) = self.0.get_mut(&format!("{}_bucket", histogram.metric)) {
                let bounds = histogram.bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
                labels.insert("le".to_owned(), Some(bounds.collect()));
            }
        }
        self
    }

    /// The same, and what these rules record.
    #[must_use]
    pub fn and(mut self, rules: &RuleFile) -> Self {
        for rule in rules.rules() {
            if let Rule::Record { record, labels, .. } = rule {
                let series = self.0.entry(record.clone()).or_default();
                for (label, value) in labels {
                    let values = series.entry(label.clone()).or_insert_with(|| Some(BTreeSet::new()));
                    if let Some(values) = values {
                        values.insert(value.clone());
                    }
                }
            }
        }
        self
    }

    fn metric(&mut self, Metric { name, kind, labels, buckets, .. }: &Metric) {
        if *kind != Kind::Histogram {
            return self.add(name, labels.clone());
        }
        let mut bounds = buckets.clone();
        bounds.insert("+Inf".to_owned());
        let with_bound = labels.clone().into_iter().chain([("le".to_owned(), Some(bounds))]).collect();
        self.add(&format!("{name}_bucket"), with_bound);
        self.add(&format!("{name}_sum"), labels.clone());
        self.add(&format!("{name}_count"), labels.clone());
    }

    fn add(&mut self, name: &str, mut labels: Labels) {
        labels.extend(OF_THE_TARGET.map(|label| (label.to_owned(), None)));
        self.0.insert(name.to_owned(), labels);
    }

    /// What an expression asks of series that nobody exports or records; empty where all is well.
    #[must_use]
    pub fn faults(&self, query: &Query) -> Vec<String> {
        query.selectors().iter().flat_map(|selector| self.faults_of(selector)).collect()
    }

    fn faults_of(&self, selector: &VectorSelector) -> Vec<String> {
        let Some(name) = &selector.name else { return vec![format!("`{selector}` names no metric")] };
        let Some(labels) = self.0.get(name) else {
            return vec![format!("nobody exports or records `{name}`")];
        };
        let fault = |matcher: &Matcher| match labels.get(&matcher.name) {
            None => Some(format!("`{name}` has no label `{}`", matcher.name)),
            Some(Some(values)) if !meets_something(matcher, values) => {
                let values: Vec<_> = values.iter().map(String::as_str).collect();
                Some(format!(
                    "no value of `{}` of `{name}` is meant by `{matcher}`: {}",
                    matcher.name,
                    values.join(", ")
                ))
            }
            Some(_) => None,
        };
        selector.matchers.matchers.iter().filter_map(fault).collect()
    }
}

/// Whether what a condition names is there: of an exclusion too, as one that excludes nothing is a slip of the pen.
fn meets_something(matcher: &Matcher, values: &BTreeSet<String>) -> bool {
    match &matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => matcher.value.is_empty() || values.contains(&matcher.value),
        MatchOp::Re(_) | MatchOp::NotRe(_) => {
            let alone = |part: &&str| {
                part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/+".contains(&byte))
            };
            let parts: Vec<_> = matcher.value.split('|').collect();
            if parts.iter().all(alone) {
                return parts.iter().all(|part| values.contains(*part));
            }
            let is = Matcher { op: positive(&matcher.op), ..matcher.clone() };
            values.iter().any(|value| is.is_match(value))
        }
    }
}

fn positive(op: &MatchOp) -> MatchOp {
    match op {
        MatchOp::NotRe(regex) => MatchOp::Re(regex.clone()),
        MatchOp::NotEqual => MatchOp::Equal,
        MatchOp::Equal | MatchOp::Re(_) => op.clone(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn known() -> Known {
        let service = serde_json::from_str(include_str!("../../services/inference/metrics.json")).unwrap();
        Known::of(&[service])
    }

    fn faults(expression: &str) -> Vec<String> {
        known().faults(&Query::parse(expression).unwrap())
    }

    #[rstest]
    #[case::counter("rate(quota_decisions_total{outcome=\"limited\"}[5m])")]
    #[case::parts_of_a_histogram(
        "http_server_request_duration_seconds_sum / http_server_request_duration_seconds_count"
    )]
    #[case::a_bound("http_server_request_duration_seconds_bucket{le=\"0.001\"}")]
    #[case::all_of_the_target("connections{job=\"inference\",instance=~\".*\"}")]
    #[case::one_of_several("http_server_request_duration_seconds_count{error_source!~\"client|limit\"}")]
    #[case::no_error("http_server_request_duration_seconds_count{error_source=\"\"}")]
    #[case::a_route(
        "http_server_request_duration_seconds_count{http_route=~\"/v2/models/\\\\{model\\\\}/infer\"}"
    )]
    #[case::an_open_label("quota_decisions_total{class=\"gold\"}")]
    #[case::of_prometheus("ALERTS{severity=\"page\"} and up == 0")]
    fn is_known(#[case] expression: &str) {
        assert_eq!(faults(expression), Vec::<String>::new());
    }

    #[rstest]
    #[case::nobodys("rate(requests_total[5m])", "nobody exports or records `requests_total`")]
    #[case::histogram_itself("http_server_request_duration_seconds", "nobody exports")]
    #[case::label("connections{state=\"open\"}", "`connections` has no label `state`")]
    #[case::value("quota_decisions_total{outcome=\"refused\"}", "admitted, limited")]
    #[case::bound("http_server_request_duration_seconds_bucket{le=\"0.3\"}", "no value of `le`")]
    #[case::misspelt_exclusion(
        "http_server_request_duration_seconds_count{error_source!~\"clint|limit\"}",
        "client"
    )]
    #[case::exclusion_of_nothing("quota_decisions_total{outcome!=\"refused\"}", "no value of `outcome`")]
    #[case::no_route(
        "http_server_request_duration_seconds_count{http_route=~\"/v3/.+\"}",
        "no value of `http_route`"
    )]
    #[case::nameless("{job=\"inference\"}", "names no metric")]
    fn is_not_known(#[case] expression: &str, #[case] reason: &str) {
        let faults = faults(expression);
        assert!(faults.len() == 1 && faults[0].contains(reason), "{faults:?}");
    }
}
