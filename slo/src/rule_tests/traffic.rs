//! From "so many good and bad events in each step" to the series that a scrape would have seen.
//!
//! Owns what each kind of indicator looks like from outside. Beside the events that count there are always as many that
//! don't, one series for each label that a selector speaks of: whoever widens a selector counts them.

use promql_parser::label::Matcher;
use rust_decimal::Decimal;

use super::examples::{self, Labels, all, all_but, labels, labels_without};
use super::file::InputSeries;
use super::values::Values;
use crate::numbers::Span;
use crate::objectives::{Bound, Histogram, Indicator, Slo};
use crate::query::{Query, QueryError, Selector};

/// The value of a label by which an objective is kept apart, where no selector fixes it.
const GROUP: &str = "one";

/// The labels by which an objective is kept apart, with the values that its test series have.
pub(super) fn group(slo: &Slo) -> Labels {
    let selector = match &slo.indicator {
        Indicator::Events { total, .. } | Indicator::Latency { total, .. } => total,
        Indicator::Freshness { timestamp, .. } => timestamp,
    };
    let fixed = labels(&all(selector.matchers())).unwrap_or_default();
    let value = |label: &String| fixed.get(label).cloned().unwrap_or_else(|| GROUP.to_owned());
    slo.by.iter().map(|label| (label.clone(), value(label))).collect()
}

/// Where counters begin. Near 0 Prometheus extrapolates less, and bad and total would differ.
const BASE: i64 = 1_000_000_000;

/// Steps in which each step has the same events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) steps: usize,
    pub(super) good: i64,
    pub(super) bad: i64,
}

/// What is seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Everything.
    Whole,
    /// The series that only bad events, or only fast ones, would have made aren't there.
    Part,
    /// The process starts again after the first stage: its counters begin at 0.
    Restarted,
    /// The first stage's steps aren't seen: a process that appears.
    Appearing,
}

/// Makes series for one objective.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic<'a> {
    pub(super) slo: &'a Slo,
    pub(super) histograms: &'a [Histogram],
    pub(super) step: Span,
}

impl Traffic<'_> {
    /// All series of one process that has these events.
    pub(super) fn series(
        self,
        stages: &[Stage],
        sight: Sight,
        pod: &str,
    ) -> Result<Vec<InputSeries>, QueryError> {
        let mut made = match &self.slo.indicator {
            Indicator::Events { total, bad } => self.counters(total, bad, stages, sight, pod),
            Indicator::Latency { total, good, threshold } => {
                let good = Query::selector(&format!("{}{{{good}}}", total.metric()))?;
                self.histogram(total, &good, *threshold, stages, sight, pod)
            }
            Indicator::Freshness { timestamp, bound } => self.gauges(timestamp, *bound, stages, sight, pod),
        };
        made.dedup_by(|one, other| one.series == other.series);
        Ok(made)
    }

    fn counters(
        self,
        total: &Selector,
        bad: &Selector,
        stages: &[Stage],
        sight: Sight,
        pod: &str,
    ) -> Vec<InputSeries> {
        let (of_total, of_bad) = (total.matchers(), bad.matchers());
        let mut made = Vec::new();
        let mut add = |metric: &str, found: Option<Labels>, values: Values| {
            if let Some(found) = found {
                made.push(self.one(metric, found, values, pod));
            }
        };
        add(total.metric(), labels_without(of_total, of_bad), counter(stages, sight, |stage| stage.good));
        if sight != Sight::Part {
            let failed = labels(&[all(of_total), all(of_bad)].concat());
            add(bad.metric(), failed, counter(stages, sight, |stage| stage.bad));
        }
        for label in labels_of(&[of_total, of_bad]) {
            let foreign = labels(&[all_but(of_total, label), all_but(of_bad, label)].concat());
            add(total.metric(), foreign, counter(stages, sight, |stage| stage.good + stage.bad));
        }
        made
    }

    /// Half of the bad ones are slow, half are failures that were fast.
    fn histogram(
        self,
        total: &Selector,
        good: &Selector,
        threshold: Span,
        stages: &[Stage],
        sight: Sight,
        pod: &str,
    ) -> Vec<InputSeries> {
        let (of_total, of_good) = (total.matchers(), good.matchers());
        let name = total.metric();
        let mut made = Vec::new();
        let slow = |stage: &Stage| stage.bad - stage.bad / 2;
        let mut add = |found: Option<Labels>, fast: &dyn Fn(&Stage) -> i64, slow: &dyn Fn(&Stage) -> i64| {
            let Some(found) = found else { return };
            let count = counter(stages, sight, |stage| fast(stage) + slow(stage));
            made.push(self.one(&format!("{name}_count"), found.clone(), count.clone(), pod));
            for (le, below) in self.bounds(name, threshold) {
                let values = match below {
                    // What is faster still than the threshold says nothing about it.
                    std::cmp::Ordering::Less => counter(stages, sight, |stage| fast(stage) / 2),
                    std::cmp::Ordering::Equal => counter(stages, sight, fast),
                    std::cmp::Ordering::Greater => count.clone(),
                };
                if sight != Sight::Part {
                    let bucket = found.clone().into_iter().chain([("le".to_owned(), le)]).collect();
                    made.push(self.one(&format!("{name}_bucket"), bucket, values, pod));
                }
            }
        };
        add(labels(&[all(of_total), all(of_good)].concat()), &|stage| stage.good, &slow);
        add(labels_without(of_total, of_good), &|stage| stage.bad / 2, &|_stage| 0);
        for label in labels_of(&[of_total]) {
            let foreign = labels(&[all_but(of_total, label), all_but(of_good, label)].concat());
            add(foreign, &|stage| stage.good + stage.bad, &|_stage| 0);
        }
        made
    }

    /// The bound before the threshold, itself, and the one after it.
    fn bounds(self, metric: &str, threshold: Span) -> Vec<(String, std::cmp::Ordering)> {
        let all = self.histograms.iter().find(|histogram| histogram.metric == metric);
        let bounds: &[Decimal] = all.map_or(&[], |histogram| &histogram.bounds);
        let at = bounds.iter().position(|bound| *bound == threshold.seconds()).unwrap_or_default();
        let near = bounds.iter().enumerate().filter(|(index, _)| index.abs_diff(at) <= 1);
        near.map(|(index, bound)| (bound.to_string(), index.cmp(&at)))
            .chain([("+Inf".to_owned(), std::cmp::Ordering::Greater)])
            .collect()
    }

    /// One gauge for each event of a step; those that no stage needs now hold 0, which is nothing to watch.
    fn gauges(
        self,
        timestamp: &Selector,
        bound: Bound,
        stages: &[Stage],
        sight: Sight,
        pod: &str,
    ) -> Vec<InputSeries> {
        let most = stages.iter().map(|stage| stage.good + stage.bad).max().unwrap_or_default();
        let seconds = |span: Span| i64::try_from(span.millis() / 1000).unwrap_or(i64::MAX);
        // The last second that is good, and the first that is bad.
        let (good, bad) = match bound {
            Bound::Behind(most) => (-seconds(most), -seconds(most) - 1),
            Bound::Ahead(least) => (seconds(least), seconds(least) - 1),
        };
        let step = seconds(self.step);
        let gauge = |number: i64| {
            let mut values = Values::default();
            let mut now = 0;
            for (index, stage) in stages.iter().enumerate() {
                // The sample at the very start belongs to the first stage.
                let steps = stage.steps + usize::from(index == 0);
                values = if sight == Sight::Appearing && index == 0 {
                    values.missing(steps)
                } else if number < stage.bad {
                    values.jump(now + bad, step, steps)
                } else if number < stage.bad + stage.good {
                    // Before the epoch there is no time that could be just good; now is.
                    values.jump(now + if now + good > 0 { good } else { 1 }, step, steps)
                } else {
                    values.jump(0, 0, steps)
                };
                now += step * i64::try_from(steps).unwrap_or(i64::MAX);
            }
            values
        };
        let found = labels(&all(timestamp.matchers())).unwrap_or_default();
        (0..most)
            .map(|number| {
                self.one(timestamp.metric(), found.clone(), gauge(number), &format!("{pod}-{number}"))
            })
            .collect()
    }

    fn one(self, metric: &str, mut found: Labels, values: Values, pod: &str) -> InputSeries {
        found.insert("instance".to_owned(), pod.to_owned());
        for (label, value) in group(self.slo) {
            found.entry(label).or_insert(value);
        }
        InputSeries { series: examples::series(metric, &found), values: values.to_string() }
    }
}

fn counter(stages: &[Stage], sight: Sight, of: impl Fn(&Stage) -> i64) -> Values {
    let mut values = if sight == Sight::Appearing { Values::default() } else { Values::starting_at(BASE) };
    for (index, stage) in stages.iter().enumerate() {
        let by = of(stage);
        values = match (sight, index) {
            (Sight::Appearing, 0) => values.missing(stage.steps + 1),
            (Sight::Restarted, 1) => values.jump(by, by, stage.steps),
            _ => values.grow(by, stage.steps),
        };
    }
    values
}

fn labels_of<'a>(conditions: &[&'a [Matcher]]) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        conditions.iter().copied().flatten().map(|matcher| matcher.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
