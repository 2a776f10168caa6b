//! Prometheus as a process, with the configuration of its folder, and what it answers.
//!
//! Must never compute: what it says is what the tests are about.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::compose;
use super::disk::Disk;
use super::http::Http;
use super::part::Part;
use crate::process::text;
use crate::workspace::Workspace;

/// Prometheus.
#[derive(Debug)]
pub(crate) struct Prometheus {
    part: Part,
    http: Http,
    /// The folder of its samples.
    pub(crate) samples: PathBuf,
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// Its labels, the name as `__name__`.
    pub(crate) labels: BTreeMap<String, String>,
    /// The time that it was asked for, in seconds since 1970.
    pub(crate) time: f64,
    /// The value.
    pub(crate) value: f64,
}

/// A rule, of those that record or those that alert.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    /// What it records, or the alert.
    pub(crate) name: String,
    /// `recording` or `alerting`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The last evaluation's error; empty without.
    #[serde(default, rename = "lastError")]
    pub(crate) error: String,
    /// Labels that it adds.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// Something that is scraped.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// `job` and `instance`.
    pub(crate) labels: BTreeMap<String, String>,
    /// `up`, `down` or `unknown`.
    pub(crate) health: String,
    /// The last scrape's error; empty without.
    #[serde(rename = "lastError")]
    #[expect(dead_code, reason = "for the message that says what is down")]
    error: String,
}

#[derive(Debug, Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Debug, Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Answer {
    Vector(Vec<Vector>),
    Matrix(Vec<Matrix>),
    Scalar((f64, String)),
    String(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Vector {
    metric: BTreeMap<String, String>,
    /// Absent of a native histogram, which this service does not have.
    value: (f64, String),
}

#[derive(Debug, Deserialize)]
struct Matrix {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Prometheus {
    /// Starts it with `prometheus.yml` of the folder, and waits until it answers queries.
    pub(super) fn start(
        workspace: &Workspace,
        address: SocketAddr,
        configuration: &Path,
        disk: Disk<'_>,
        log: &Path,
        further: &[String],
    ) -> anyhow::Result<Self> {
        let instead = [
            ("--config.file", text(&configuration.join("prometheus.yml"))?.to_owned()),
            ("--storage.tsdb.path", text(disk.folder)?.to_owned()),
            ("--web.listen-address", address.to_string()),
            ("--web.external-url", format!("http://{address}")),
        ];
        let mut command = disk.command(&workspace.tool("prometheus"))?;
        command.args(compose::command(workspace, "prometheus", &instead)?).args(further);
        let mut part = Part::start("prometheus", command, log)?;
        let http = Http::to(address);
        part.ready(|_| Ok(http.is_there("/-/ready")))?;
        let samples = disk.seen_from_outside(part.id());
        Ok(Self { part, http, samples })
    }

    /// Has it read its configuration and its rules again.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        self.part.signal(Signal::HUP)
    }

    /// What an expression is now.
    pub(crate) fn query(&self, expression: &str) -> anyhow::Result<Vec<Sample>> {
        self.ask("/api/v1/query", &[("query", expression)])
    }

    /// What it was then, in seconds since 1970.
    pub(crate) fn query_at(&self, expression: &str, at: f64) -> anyhow::Result<Vec<Sample>> {
        self.ask("/api/v1/query", &[("query", expression), ("time", &at.to_string())])
    }

    /// What it was over a time, in seconds since 1970.
    pub(crate) fn range(
        &self,
        expression: &str,
        (from, to): (f64, f64),
        step: f64,
    ) -> anyhow::Result<Vec<Sample>> {
        let [from, to, step] = [from, to, step].map(|seconds| seconds.to_string());
        let query = [("query", expression), ("start", &from), ("end", &to), ("step", &step)];
        self.ask("/api/v1/query_range", &query)
    }

    /// The one value of an expression; none where it has no series.
    pub(crate) fn value(&self, expression: &str) -> anyhow::Result<Option<f64>> {
        Ok(self.query(expression)?.first().map(|sample| sample.value))
    }

    /// The values of a label, of all series or of those that are selected.
    pub(crate) fn label_values(&self, label: &str, selector: Option<&str>) -> anyhow::Result<Vec<String>> {
        let query: Vec<_> = selector.map(|selector| ("match[]", selector)).into_iter().collect();
        self.data(&format!("/api/v1/label/{label}/values"), &query)
    }

    /// Every rule that it evaluates.
    pub(crate) fn rules(&self) -> anyhow::Result<Vec<Rule>> {
        let Groups { groups } = self.data("/api/v1/rules", &[])?;
        Ok(groups.into_iter().flat_map(|group| group.rules).collect())
    }

    /// Whatever it scrapes.
    pub(crate) fn targets(&self) -> anyhow::Result<Vec<Target>> {
        let Targets { active_targets } = self.data("/api/v1/targets", &[("state", "active")])?;
        Ok(active_targets)
    }

    fn ask(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Vec<Sample>> {
        let sample = |labels: &BTreeMap<_, _>, (time, value): (f64, String)| {
            anyhow::Ok(Sample { labels: labels.clone(), time, value: number(&value)? })
        };
        match self.data(path, query)? {
            Answer::Vector(series) => series.into_iter().map(|one| sample(&one.metric, one.value)).collect(),
            Answer::Matrix(series) => series
                .into_iter()
                .flat_map(|Matrix { metric, values }| {
                    values.into_iter().map(move |value| sample(&metric, value))
                })
                .collect(),
            Answer::Scalar(value) => Ok(vec![sample(&BTreeMap::new(), value)?]),
            Answer::String(_) => Ok(Vec::new()),
        }
    }

    fn data<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<T> {
        let Envelope { data } = self.http.json(path, query)?;
        Ok(data)
    }
}

/// Prometheus writes `+Inf` and `NaN`, which Rust reads as well.
fn number(text: &str) -> anyhow::Result<f64> {
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_now(r#"{"data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]}]}}"#)]
    #[case::of_a_time(
        r#"{"data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"2"]]}]}}"#
    )]
    #[case::without_labels(r#"{"data":{"resultType":"scalar","result":[1.5,"2"]}}"#)]
    fn every_kind_of_answer_is_read(#[case] json: &str) {
        let Envelope::<Answer> { data } = serde_json::from_str(json).unwrap();
        assert!(!matches!(data, Answer::String(_)));
    }

    #[test]
    fn what_is_no_number_is_read_as_prometheus_writes_it() {
        assert!(number("NaN").unwrap().is_nan());
        assert_eq!(number("+Inf").unwrap(), f64::INFINITY);
    }
}
