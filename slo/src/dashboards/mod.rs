//! The dashboards as Grafana's JSON: what is asked, how it reads, where it stands. Nobody writes one by hand.
//!
//! Owns the five of them, their pictures, and the promise that each of their expressions parses, yields something that can
//! be shown, and names only what is exported or recorded. Must never hold a threshold that isn't in the objectives.

mod capacity;
pub mod grafana;
mod identity;
mod layout;
mod load_test;
mod overview;
mod panel;
mod picture;
mod service;
#[cfg(test)]
mod tests;

use crate::catalogue::Known;
use crate::numbers::Span;
use crate::objectives::Objectives;
use crate::outputs::{Output, OutputError, json};
use crate::query::{Query, QueryError};

use self::grafana::{Dashboard, Link, Panel, Variable};

/// Where Grafana finds them.
const FOLDER: &str = "observability/grafana/dashboards";

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// An expression that doesn't parse.
    #[error("dashboard {dashboard}, panel {panel:?}: {error}")]
    Query {
        /// The uid of the dashboard.
        dashboard: String,
        /// The title of the panel.
        panel: String,
        /// The parser's reason.
        error: QueryError,
    },
    /// An expression that can't be shown, or asks for what nobody exports.
    #[error("dashboard {dashboard}, panel {panel:?}: `{query}`: {fault}")]
    Meaning {
        /// The uid of the dashboard.
        dashboard: String,
        /// The title of the panel.
        panel: String,
        /// The expression.
        query: String,
        /// What is wrong.
        fault: String,
    },
    /// A picture that can't be drawn.
    #[error("the picture of dashboard {dashboard} can't be drawn: {error}")]
    Picture {
        /// The uid of the dashboard.
        dashboard: String,
        /// The reason of what draws.
        error: String,
    },
}

/// One expression of a panel as Prometheus can be asked it, without Grafana's variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The uid of the dashboard.
    pub dashboard: String,
    /// The title of the panel.
    pub panel: String,
    /// What is asked.
    pub query: Query,
}

/// All dashboards, unchecked.
#[must_use]
pub fn dashboards(objectives: &Objectives) -> Vec<Dashboard> {
    vec![
        overview::dashboard(objectives),
        service::dashboard(objectives),
        identity::dashboard(objectives),
        load_test::dashboard(objectives),
        capacity::dashboard(objectives),
    ]
}

/// Everything that the dashboards ask.
///
/// # Errors
///
/// When an expression doesn't parse, or yields a range that no panel can show.
pub fn questions(objectives: &Objectives) -> Result<Vec<Question>, DashboardError> {
    let variables = variables(objectives);
    let mut questions = Vec::new();
    for dashboard in dashboards(objectives) {
        questions.extend(asked_by(&dashboard, &variables)?);
    }
    Ok(questions)
}

/// What stands for Grafana's variables where there is no Grafana: four scrapes, as Grafana makes them of the data source's
/// interval, an hour, and everything.
fn variables(objectives: &Objectives) -> [(&'static str, String); 5] {
    let span = |span| objectives.compression.of(span).to_string();
    [
        ("$__rate_interval", span(objectives.prometheus.scrape_interval.times(4))),
        ("$__range", span(Span::hours(1))),
        ("$instance", ".*".to_owned()),
        ("$run_id", ".*".to_owned()),
        ("$scenario", ".*".to_owned()),
    ]
}

fn asked_by(
    dashboard: &Dashboard,
    variables: &[(&'static str, String)],
) -> Result<Vec<Question>, DashboardError> {
    let targets =
        dashboard.panels.iter().flat_map(|panel| panel.targets.iter().map(move |target| (panel, target)));
    let question = |(panel, target): (&Panel, &grafana::Target)| {
        let (dashboard, panel) = (dashboard.uid.clone(), panel.title.clone());
        let expr =
            variables.iter().fold(target.expr.clone(), |expr, (name, value)| expr.replace(name, value));
        match Query::parse(expr) {
            Ok(query) if query.is_instant() => Ok(Question { dashboard, panel, query }),
            Ok(query) => {
                let fault = "yields a range, which no panel can show".to_owned();
                Err(DashboardError::Meaning { dashboard, panel, query: query.to_string(), fault })
            }
            Err(error) => Err(DashboardError::Query { dashboard, panel, error }),
        }
    };
    targets.map(question).collect()
}

/// The files, once everything in them is known.
pub(crate) fn outputs(objectives: &Objectives, known: &Known) -> Result<Vec<Output>, OutputError> {
    for Question { dashboard, panel, query } in questions(objectives)? {
        if let Some(fault) = known.faults(&query).into_iter().next() {
            return Err(DashboardError::Meaning { dashboard, panel, query: query.to_string(), fault }.into());
        }
    }
    let mut outputs = Vec::new();
    for dashboard in dashboards(objectives) {
        let path = format!("{FOLDER}/{}.json", dashboard.uid);
        outputs.push(Output { path, content: json(&dashboard)? });
        outputs.push(picture::output(objectives, &dashboard)?);
    }
    Ok(outputs)
}

/// A dashboard that has what all of ours have. Its uid is its file's name.
fn named(objectives: &Objectives, uid: &str, title: &str, answers: &str, from: &str) -> Dashboard {
    let description =
        format!("Generated by `slo generate` from {}; change that. {answers}", objectives.source);
    let mut dashboard = Dashboard::new(uid, &format!("{} · {title}", objectives.service), description, from);
    dashboard.links = vec![Link::to_the_others()];
    dashboard.templating.list = vec![Variable::datasource()];
    dashboard
}

/// Which of the running processes is looked at.
fn instance(job: &str) -> Variable {
    Variable::label(
        "instance",
        "Instance",
        "All of them, or one that behaves differently",
        &format!("up{{job=\"{job}\"}}"),
    )
}

/// What a person types who has found a `trace_id` in a log line or an answer.
const TRACE: &str = "trace_id";

/// From a trace's id to the trace, in Grafana's Explore.
fn trace_link() -> Link {
    const PANES: &str = "%7B%22trace%22%3A%7B%22datasource%22%3A%22traces%22%2C%22queries%22%3A%5B%7B%22refId%22%3A%22A%22%2C\
                         %22query%22%3A%22${trace_id}%22%7D%5D%7D%7D";
    Link::to(
        "Trace of the id above",
        "Paste a trace_id from a log line or a traceparent header into the field above, then follow this",
        &format!("/explore?schemaVersion=1&panes={PANES}"),
    )
}

fn trace() -> Variable {
    Variable::text(
        TRACE,
        "Trace",
        "A trace_id from a log line or a traceparent header; the link above leads to the trace",
    )
}

/// The chosen instances of the service.
#[derive(Debug, Clone, Copy)]
struct Instances<'a>(&'a Objectives);

impl Instances<'_> {
    /// The series of a metric.
    fn series(self, metric: &str) -> String {
        self.with(metric, "")
    }

    fn with(self, metric: &str, condition: &str) -> String {
        let comma = if condition.is_empty() { "" } else { "," };
        format!("{metric}{{job=\"{}\",instance=~\"$instance\"{comma}{condition}}}", self.0.service)
    }

    /// How fast a counter grows, under a further condition or none.
    fn rate(self, metric: &str, condition: &str) -> String {
        format!("rate({}[$__rate_interval])", self.with(metric, condition))
    }

    /// The use of what has a ceiling as a share of it, where it is highest. The ceiling has the suffix `_limit`.
    fn fullest(self, metric: &str) -> String {
        format!("max({} / {})", self.series(metric), self.series(&format!("{metric}_limit")))
    }

    /// The mean time of each phase of a request.
    fn mean_of_phases(self) -> String {
        let [sum, count] = ["sum", "count"].map(|part| {
            let rate = self.rate(&format!("inference_phase_duration_seconds_{part}"), "");
            format!("sum by (phase) ({rate})")
        });
        format!("{sum} / {count}")
    }
}
