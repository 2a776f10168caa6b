//! Alerts that need no objective: something that has to be there isn't, or the numbers can't be true.

use super::burn::{annotations, labels};
use super::{Alert, Group, NO_HOLD, Rule};
use crate::numbers::{Severity, Span};
use crate::objectives::{Objectives, SLICE, Target};
use crate::query::{Query, QueryError};

/// The alert when more events are bad than there were.
pub const IMPOSSIBLE: &str = "SloImpossible";

/// How long numbers have to be impossible: longer than a series needs to appear on both sides.
const IMPOSSIBLE_HOLD: Span = Span::minutes(5);

/// The alert when Prometheus has no sample of anything.
pub const BLIND: &str = "PrometheusNotIngesting";

/// As long as the shortest of the alerts that are worth nothing then.
const BLIND_HOLD: Span = Span::minutes(1);

/// How long a process that began anew is remembered. Kubernetes waits up to five minutes before it starts one again
/// (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy>), so three fit.
pub const RESTARTS_WITHIN: Span = Span::minutes(15);

/// So many are no accident.
pub const RESTARTS: u32 = 2;

pub(super) fn group(objectives: &Objectives) -> Result<Group, QueryError> {
    let mut rules = Vec::new();
    for target in &objectives.targets {
        rules.push(down(objectives, target)?);
        if let Some(alert) = &target.restarting {
            rules.push(restarting(objectives, &target.job, alert)?);
        }
    }
    rules.push(blind(objectives)?);
    rules.push(impossible(objectives)?);
    Ok(Group {
        name: format!("{}-presence", objectives.service),
        interval: Some(objectives.compression.of(objectives.prometheus.evaluation_interval).to_string()),
        rules,
    })
}

/// Whether a process answers is asked of `up`. An alert on its own series being absent tells nothing from idleness
/// (open-bank-oss PR #3795 removed 64 of those).
fn down(objectives: &Objectives, target: &Target) -> Result<Rule, QueryError> {
    let Target { job, alert, severity, hold, notices, .. } = target;
    Ok(Rule::Alert(Alert {
        alert: alert.clone(),
        expr: Query::parse(format!("absent(up{{job=\"{job}\"}} == 1)"))?,
        hold: objectives.compression.of(*hold).to_string(),
        labels: labels(objectives, job, *severity),
        annotations: annotations([
            ("summary", format!("No {job} answers Prometheus")),
            (
                "description",
                format!("Not one target of the job {job} could be scraped for {hold}. {notices}"),
            ),
            ("runbook_url", objectives.runbook(alert)),
        ]),
    }))
}

/// An instance that is delivered anew has another name, so only one that ended and was started where it was counts. No
/// hold: what ends again before it is over would never be called.
fn restarting(objectives: &Objectives, job: &str, alert: &str) -> Result<Rule, QueryError> {
    let window = objectives.compression.of(RESTARTS_WITHIN);
    Ok(Rule::Alert(Alert {
        alert: alert.to_owned(),
        expr: Query::parse(format!(
            "changes(process_start_time_seconds{{job=\"{job}\"}}[{window}]) >= {RESTARTS}"
        ))?,
        hold: NO_HOLD.to_owned(),
        labels: labels(objectives, job, Severity::Ticket),
        annotations: annotations([
            ("summary", format!("{{{{ $labels.instance }}}} of {job} begins anew again and again")),
            (
                "description",
                format!(
                    "It ended and was started {{{{ $value }}}} times within {RESTARTS_WITHIN}. What it worked on each time \
                     was lost; while it is away the others carry its share."
                ),
            ),
            ("runbook_url", objectives.runbook(alert)),
        ]),
    }))
}

/// `up` is stored of every target at each scrape, also of one that doesn't answer. Without any of it Prometheus scrapes
/// nothing or can't store what it scrapes, and says so in no series: it couldn't store that either.
fn blind(objectives: &Objectives) -> Result<Rule, QueryError> {
    Ok(Rule::Alert(Alert {
        alert: BLIND.to_owned(),
        expr: Query::parse("absent(up)".to_owned())?,
        hold: objectives.compression.of(BLIND_HOLD).to_string(),
        labels: labels(objectives, "prometheus", Severity::Page),
        annotations: annotations([
            ("summary", "Prometheus stores no samples".to_owned()),
            (
                "description",
                "It has none of any job, so every other alert is silent, or fires because nothing is known. What clients \
                 get is not known either."
                    .to_owned(),
            ),
            ("runbook_url", objectives.runbook(BLIND)),
        ]),
    }))
}

/// Mismatched selectors make a budget of −6000 % (kubernetes-mixin #498) or hide one; this notices the first.
fn impossible(objectives: &Objectives) -> Result<Rule, QueryError> {
    let series = |events: &str| format!("slo:{events}:increase{SLICE}{{service=\"{}\"}}", objectives.service);
    let mut labels = labels(objectives, "", Severity::Ticket);
    // The objective's own name comes from the series.
    labels.remove("slo");
    Ok(Rule::Alert(Alert {
        alert: IMPOSSIBLE.to_owned(),
        expr: Query::parse(format!("{} > 1.01 * {}", series("bad"), series("total")))?,
        hold: objectives.compression.of(IMPOSSIBLE_HOLD).to_string(),
        labels,
        annotations: annotations([
            ("summary", "More bad events than events: {{ $labels.slo }} measures two different things".to_owned()),
            (
                "description",
                "Its two selectors don't select the same requests, so its budget and its alerts are worth nothing until \
                 they do."
                    .to_owned(),
            ),
            ("runbook_url", objectives.runbook(IMPOSSIBLE)),
        ]),
    }))
}
