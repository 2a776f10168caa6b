//! Every question that a dashboard asks, asked of Prometheus as Grafana would.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::stack::{JOBS, Prometheus, Stack, seconds_since_1970 as now};
use crate::wait;

/// Prometheus' scrape interval in real time, which the data source states as well.
const SCRAPE_SECONDS: f64 = 15.0;

/// What a load test tells comes with a point for each of its seconds, which nothing compresses.
const LOAD_TEST: (&str, f64) = ("inference · load test", 1.0);

/// Grafana asks for so many points on a panel of usual width.
const POINTS: f64 = 240.0;

/// Longer than a machine is ever too busy to answer a scrape.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize)]
struct Dashboard {
    title: String,
    #[serde(default)]
    templating: Templating,
    panels: Vec<Panel>,
    time: Time,
}

#[derive(Debug, Deserialize)]
struct Time {
    from: String,
}

#[derive(Debug, Default, Deserialize)]
struct Templating {
    list: Vec<Variable>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    include_all: bool,
    all_value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Panel {
    title: String,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    panels: Vec<Self>,
}

#[derive(Debug, Deserialize)]
struct Target {
    expr: String,
    #[serde(default)]
    instant: bool,
}

/// How many of each.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) dashboards: usize,
    pub(super) panels: usize,
    pub(super) panels_answered: usize,
    pub(super) queries: usize,
    pub(super) queries_answered: usize,
}

/// Asks all of them. Prints the counts.
///
/// # Errors
/// Where there is no dashboard; each query that is refused or has no answer.
pub(super) fn ask(stack: &Stack) -> anyhow::Result<Counts> {
    let folder = stack.configuration.path("grafana/dashboards");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let (mut counts, mut silent) = (Counts::default(), Vec::new());
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let text = std::fs::read_to_string(file)?;
        let dashboard: Dashboard = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        counts.dashboards += 1;
        dashboard.ask(stack, &mut counts, &mut silent)?;
    }
    let Counts { dashboards, panels, panels_answered, queries, queries_answered } = counts;
    println!(
        "    {dashboards} dashboards, {panels} panels that ask, {panels_answered} answered; {queries} queries, \
         {queries_answered} answered"
    );
    ensure!(silent.is_empty(), "queries without an answer:\n{}", silent.join("\n"));
    ensure!(queries > 0, "no dashboard asks anything");
    Ok(counts)
}

/// A time at which every job had answered its last scrape: what a busy machine answers too late is not there then.
fn all_up(stack: &Stack) -> anyhow::Result<f64> {
    wait::until("every job to be up", LIMIT, || {
        let at = now();
        let up = stack.prometheus.query_at("up == 1", at)?;
        Ok((up.len() == JOBS.len()).then_some(at))
    })
}

impl Dashboard {
    fn ask(&self, stack: &Stack, counts: &mut Counts, silent: &mut Vec<String>) -> anyhow::Result<()> {
        let factor = f64::from(stack.configuration.compression());
        let range = self.range()? / factor;
        let at = all_up(stack)?;
        let (load_test, second) = LOAD_TEST;
        let scrape = if self.title == load_test { second } else { SCRAPE_SECONDS / factor };
        let values = Values::of(&self.templating.list, &stack.prometheus, range, scrape)?;
        for panel in self.panels.iter().flat_map(|panel| std::iter::once(panel).chain(&panel.panels)) {
            if panel.targets.is_empty() {
                continue;
            }
            let mut answered = 0;
            for target in &panel.targets {
                let expression = values.put_into(&target.expr)?;
                let series = if target.instant {
                    stack.prometheus.query_at(&expression, at)
                } else {
                    stack.prometheus.range(&expression, (at - range, at), range / POINTS)
                };
                if series.with_context(|| format!("{}: {}", self.title, panel.title))?.is_empty() {
                    silent.push(format!("{}: {}: {expression}", self.title, panel.title));
                } else {
                    answered += 1;
                }
            }
            counts.panels += 1;
            counts.panels_answered += usize::from(answered > 0);
            counts.queries += panel.targets.len();
            counts.queries_answered += answered;
        }
        Ok(())
    }

    /// What it shows at first, in seconds: `now-1h`.
    fn range(&self) -> anyhow::Result<f64> {
        let back = self.time.from.strip_prefix("now-").with_context(|| self.time.from.clone())?;
        Ok(humantime::parse_duration(back).with_context(|| self.time.from.clone())?.as_secs_f64())
    }
}

/// What stands for the variables, the longest names first: `$__range_s` is not `$__range` and `_s`.
#[derive(Debug)]
struct Values(Vec<(String, String)>);

impl Values {
    fn of(variables: &[Variable], prometheus: &Prometheus, range: f64, scrape: f64) -> anyhow::Result<Self> {
        let milliseconds = |seconds: f64| format!("{:.0}ms", (seconds * 1000.0).max(1.0));
        let interval = range / POINTS;
        let mut values = BTreeMap::from([
            ("__range".to_owned(), milliseconds(range)),
            ("__range_s".to_owned(), format!("{:.0}", range.max(1.0))),
            ("__interval".to_owned(), milliseconds(interval)),
            // Grafana's documentation: the larger of the interval and a scrape, and four scrapes.
            ("__rate_interval".to_owned(), milliseconds((interval + scrape).max(4.0 * scrape))),
        ]);
        for variable in variables {
            let known = Self::sorted(values.clone());
            let value = variable.value(prometheus, &known)?;
            values.insert(variable.name.clone(), value);
        }
        Ok(Self::sorted(values))
    }

    fn sorted(values: BTreeMap<String, String>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self(values)
    }

    fn put_into(&self, text: &str) -> anyhow::Result<String> {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            text = text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        // `$1` is one of PromQL's own.
        let is_variable =
            |rest: &str| rest.starts_with(|first: char| first.is_alphabetic() || "_{".contains(first));
        ensure!(!text.split('$').skip(1).any(is_variable), "a variable that nobody has: {text}");
        Ok(text)
    }
}

impl Variable {
    /// What Grafana takes at first: all values where that is offered, or else the first one.
    fn value(&self, prometheus: &Prometheus, known: &Values) -> anyhow::Result<String> {
        match (self.kind.as_str(), &self.all_value) {
            ("query", Some(all)) if self.include_all => Ok(all.clone()),
            ("query", _) => {
                let query = known.put_into(&self.query)?;
                let values = label_values(prometheus, &query)?;
                ensure!(!values.is_empty(), "the variable {} has no value: {query}", self.name);
                let escaped: Vec<_> = values.iter().map(|value| value.replace('.', r"\\.")).collect();
                Ok(if self.include_all { format!("({})", escaped.join("|")) } else { escaped.concat() })
            }
            _ => Ok(self.query.clone()),
        }
    }
}

/// `label_values(SERIES, LABEL)` or `label_values(LABEL)`.
fn label_values(prometheus: &Prometheus, query: &str) -> anyhow::Result<Vec<String>> {
    let inner = query
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')'))
        .with_context(|| format!("expected label_values(…), found {query}"))?;
    match inner.rsplit_once(',') {
        Some((series, label)) => prometheus.label_values(label.trim(), Some(series.trim())),
        None => prometheus.label_values(inner.trim(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_in_both_spellings_and_never_within_a_longer_one() {
        let values = Values::sorted(BTreeMap::from(
            [("__range", "60s"), ("__range_s", "60"), ("slo", "a")]
                .map(|(name, value)| (name.into(), value.into())),
        ));
        assert_eq!(
            values.put_into("x{slo=~\"$slo\"}[$__range] / ${__range_s}").unwrap(),
            "x{slo=~\"a\"}[60s] / 60"
        );
        assert!(values.put_into("$other").is_err());
        assert!(values.put_into("label_replace(x, \"a\", \"$1\", \"b\", \"(.).*\")").is_ok());
    }
}
