//! `slo gate`: may this be delivered? May this canary go on?

use std::collections::BTreeMap;

use anstream::println;
use comfy_table::{Table, presets};

use super::{CommandError, Verdict};
use crate::cli::{Definitions, Gate};
use crate::delivery::{self, Opinion};
use crate::objectives::{Indicator, Objectives, Slo};
use crate::outputs::canary;
use crate::prometheus::{Prometheus, Sample};
use crate::query::Query;

/// One line of the answer: of which objective, which of its series, and what it says.
type Line = (String, Opinion);

pub(super) fn run(definitions: &Definitions, options: &Gate) -> Result<Verdict, CommandError> {
    let mut objectives = Objectives { compression: options.compress, ..super::objectives(definitions)? };
    if let Some(unknown) = options.slo.iter().find(|id| !objectives.slos.iter().any(|slo| slo.id == **id)) {
        return Err(CommandError::NoObjective(unknown.clone()));
    }
    objectives.slos.retain(|slo| options.slo.is_empty() || options.slo.contains(&slo.id));
    let prometheus = Prometheus::at(&options.prometheus);
    let lines = match &options.canary {
        Some(selector) => of_canary(&objectives, &prometheus, selector)?,
        None => of_budgets(&objectives, &prometheus, options.delivers)?,
    };
    Ok(say(&lines))
}

fn of_budgets(
    objectives: &Objectives,
    prometheus: &Prometheus,
    delivery: delivery::Delivery,
) -> Result<Vec<Line>, CommandError> {
    let mut lines = Vec::new();
    for slo in &objectives.slos {
        let ask = |name: &str| -> Result<Vec<Sample>, CommandError> {
            let recorded = format!("{name}{}", slo.labels(&objectives.service));
            Ok(prometheus.now(&Query::parse(recorded)?)?)
        };
        let (left, coverage) =
            (ask("slo:period_error_budget_remaining:ratio")?, ask("slo:period_coverage:ratio")?);
        if left.is_empty() {
            let opinion = if has_nothing_to_watch(slo, prometheus)? {
                Opinion::NothingToWatch
            } else {
                delivery::of_budget(slo, None, None, delivery)
            };
            lines.push((slo.id.clone(), opinion));
        }
        for Sample { labels, value } in left {
            let coverage = coverage.iter().find(|sample| sample.labels == labels).map(|sample| sample.value);
            lines.push((name(slo, &labels), delivery::of_budget(slo, Some(value), coverage, delivery)));
        }
    }
    Ok(lines)
}

/// Whether the gauges of a freshness objective are there, and all of them say that there is nothing.
fn has_nothing_to_watch(slo: &Slo, prometheus: &Prometheus) -> Result<bool, CommandError> {
    let Indicator::Freshness { timestamp, .. } = &slo.indicator else { return Ok(false) };
    let gauges = prometheus.now(&Query::parse(timestamp.to_string())?)?;
    Ok(!gauges.is_empty() && gauges.iter().all(|gauge| gauge.value <= 0.0))
}

fn of_canary(
    objectives: &Objectives,
    prometheus: &Prometheus,
    selector: &str,
) -> Result<Vec<Line>, CommandError> {
    let window = objectives.compression.of(canary::WINDOW);
    let mut lines = Vec::new();
    for question in canary::questions(objectives, selector, window)? {
        let ask =
            |query: &str| -> Result<Vec<Sample>, CommandError> { Ok(prometheus.now(&Query::parse(query)?)?) };
        let (bad, total) = (ask(&question.bad)?, ask(&question.total)?);
        let Some(slo) = objectives.slos.iter().find(|slo| slo.id == question.slo) else { continue };
        if total.is_empty() {
            lines.push((slo.id.clone(), delivery::of_canary(&question, None, None)));
        }
        for Sample { labels, value } in total {
            let bad = bad.iter().find(|sample| sample.labels == labels).map(|sample| sample.value);
            lines.push((name(slo, &labels), delivery::of_canary(&question, bad, Some(value))));
        }
    }
    Ok(lines)
}

/// The objective, and what its series is kept apart by.
fn name(slo: &Slo, labels: &BTreeMap<String, String>) -> String {
    let by = slo.by.iter().filter_map(|label| labels.get(label).map(|value| format!(" {label}={value}")));
    std::iter::once(slo.id.clone()).chain(by).collect()
}

/// One that fails is enough; without one, one without data is.
fn say(lines: &[Line]) -> Verdict {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (of, opinion) in lines {
        let (verdict, words) = match opinion {
            Opinion::Pass(words) => ("pass", words.as_str()),
            Opinion::Fail(words) => ("FAIL", words.as_str()),
            Opinion::NoData(words) => ("NO DATA", words.as_str()),
            Opinion::NothingToWatch => ("pass", "there is nothing to watch"),
        };
        table.add_row([of, verdict, words]);
    }
    println!("{table}");
    let any = |is: fn(&Opinion) -> bool| lines.iter().any(|(_, opinion)| is(opinion));
    if any(|opinion| matches!(opinion, Opinion::Fail(_))) {
        Verdict::Fail
    } else if lines.is_empty() || any(|opinion| matches!(opinion, Opinion::NoData(_))) {
        Verdict::NoData
    } else {
        Verdict::Pass
    }
}
