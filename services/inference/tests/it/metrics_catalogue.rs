//! What rules and dashboards count on, `metrics.json`, is what a service that had traffic and its prober show.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use promql_parser::parser::{self, Expr, VectorSelector};
use serde::Deserialize;

use crate::probing::Prober;
use crate::running::Running;
use crate::service::one_row;
use crate::wire::GET;

#[derive(Deserialize)]
struct Catalogue {
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    kind: String,
    help: String,
    labels: BTreeMap<String, Option<BTreeSet<String>>>,
    #[serde(default)]
    buckets: BTreeSet<String>,
}

fn committed() -> Catalogue {
    serde_json::from_str(include_str!("../../metrics.json")).unwrap()
}

#[test]
fn the_committed_catalogue_is_fresh() {
    let printed = Command::new(env!("CARGO_BIN_EXE_inference")).arg("metrics").output().unwrap();
    let committed = include_str!("../../metrics.json");
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(committed == printed, "metrics.json is stale; run `cargo xtask generate`");
}

/// The page of a service that answered, failed to understand, and refused, and that of a prober which looked at it: one
/// catalogue holds both.
async fn page() -> String {
    let service = Running::start(&[]).await;
    let mut wire = service.connect().await;
    let (token, row) = (&service.token, one_row().to_string());
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    wire.ask(post("/api", &row)).await;
    wire.ask(post("/api", "{}")).await;
    wire.ask(post("/nowhere", "{}")).await;
    wire.ask(GET).await;
    wire.ask("BREW /api HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n").await;
    let prober = Prober::start(&format!("http://{}", service.api), &[]).await;
    prober.found("refused", 1).await;
    service.probe("/metrics").await.body + &prober.get("/metrics").await.body
}

/// A series is written as PromQL's selector of it.
fn series(line: &str) -> VectorSelector {
    let (series, _value) = line.rsplit_once(' ').unwrap();
    match parser::parse(series) {
        Ok(Expr::VectorSelector(selector)) => selector,
        other => panic!("{series}: {other:?}"),
    }
}

#[tokio::test]
async fn every_series_of_a_busy_service_is_in_the_catalogue_with_its_labels_and_values() {
    let page = page().await;
    let catalogue = committed();
    let metrics: BTreeMap<&str, &Metric> =
        catalogue.metrics.iter().map(|metric| (metric.name.as_str(), metric)).collect();
    let mut seen = BTreeSet::new();
    for line in page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let selector = series(line);
        let name = selector.name.as_deref().unwrap();
        let of = |suffix| name.strip_suffix(suffix).and_then(|name| metrics.get(name));
        let metric =
            metrics.get(name).or_else(|| of("_bucket").or_else(|| of("_sum")).or_else(|| of("_count")));
        let metric = metric.unwrap_or_else(|| panic!("not in the catalogue: {line}"));
        seen.insert(metric.name.as_str());

        let mut names = BTreeSet::new();
        for label in &selector.matchers.matchers {
            if label.name == "le" {
                assert!(label.value == "+Inf" || metric.buckets.contains(&label.value), "{line}");
                continue;
            }
            names.insert(&label.name);
            let values = metric.labels.get(&label.name);
            let values = values.unwrap_or_else(|| panic!("no such label in the catalogue: {line}"));
            assert!(values.as_ref().is_none_or(|values| values.contains(&label.value)), "{line}");
        }
        assert!(names.into_iter().eq(metric.labels.keys()), "{line}");
    }
    let all: BTreeSet<_> = metrics.keys().copied().collect();
    assert_eq!(seen, all, "in the catalogue, but not on the page");
}

#[tokio::test]
async fn kinds_and_meanings_are_those_of_the_page() {
    let page = page().await;
    for Metric { name, kind, help, .. } in committed().metrics {
        assert!(page.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
        assert!(page.contains(&format!("# HELP {name} {help}\n")), "{name}");
    }
}
