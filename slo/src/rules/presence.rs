//! Alerts that need no objective: something that has to be there isn't, or the numbers can't be true.

use super::burn::{annotations, labels};
use super::{Alert, Group, Rule};
use crate::numbers::{Severity, Span};
use crate::objectives::{Objectives, SLICE, Target};
use crate::query::{Query, QueryError};

/// The alert when more events are bad than there were.
pub const IMPOSSIBLE: &str = "SloImpossible";

/// How long numbers have to be impossible: longer than a series needs to appear on both sides.
const IMPOSSIBLE_HOLD: Span = Span::minutes(5);

pub(super) fn group(objectives: &Objectives) -> Result<Group, QueryError> {
    let mut rules: Vec<Rule> =
        objectives.targets.iter().map(|target| down(objectives, target)).collect::<Result<_, _>>()?;
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
    let Target { job, alert, severity, hold, notices } = target;
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
