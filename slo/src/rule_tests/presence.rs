//! What has to be there, and numbers that can't be true.

use std::collections::BTreeMap;

use super::Named;
use super::file::{AlertTest, ExpectedAlert, InputSeries, Test, TestFile};
use super::tier::at;
use crate::numbers::Span;
use crate::objectives::{Objectives, SLICE, Target};
use crate::rules::{Alert, BLIND, Group, IMPOSSIBLE, RESTARTS, RESTARTS_WITHIN, Rule};

/// Holds are whole multiples of it.
const STEP: Span = Span::from_secs(12);

/// Long enough for every hold twice.
const STEPS: usize = 300;

pub(super) fn file(objectives: &Objectives, group: &Group) -> Named {
    let mut tests: Vec<Test> =
        objectives.targets.iter().flat_map(|target| of_target(group, target)).collect();
    for Target { job, restarting: alert, .. } in &objectives.targets {
        tests.extend(alert.iter().flat_map(|alert| restarting(group, job, alert)));
    }
    tests.extend(blind(group));
    tests.extend(impossible(objectives, group));
    Named {
        name: "presence".to_owned(),
        file: TestFile {
            rule_files: vec!["../rules/presence.yaml".to_owned()],
            evaluation_interval: STEP,
            fuzzy_compare: true,
            tests,
        },
    }
}

fn of_target(group: &Group, target: &Target) -> Vec<Test> {
    let Target { job, alert, .. } = target;
    let up = |instance: &str, values: String| InputSeries {
        series: format!("up{{job=\"{job}\",instance=\"{instance}\"}}"),
        values,
    };
    let holds = steps_of_hold(group, alert);
    vec![
        test(
            format!("{alert} is silent while one of two answers"),
            vec![up("a", format!("1+0x{STEPS}")), up("b", format!("0+0x{STEPS}"))],
            vec![alerts(alert, STEPS, Vec::new())],
        ),
        test(
            format!("{alert} fires when none has answered for its hold, and clears with the first answer"),
            vec![
                up("a", format!("1+0x9 0+0x{} 1+0x9", holds + 9)),
                up("b", format!("0+0x{STEPS}")),
                another_job(),
            ],
            vec![
                alerts(alert, 10 + holds - 1, Vec::new()),
                alerts(alert, 10 + holds, vec![expected(group, alert, &[])]),
                alerts(alert, 20 + holds, Vec::new()),
            ],
        ),
        test(
            format!("{alert} fires when no target is known"),
            vec![another_job()],
            vec![
                alerts(alert, holds - 1, Vec::new()),
                alerts(alert, holds, vec![expected(group, alert, &[])]),
            ],
        ),
    ]
}

/// A job that answers all the time: it must not stand for the one that doesn't.
fn another_job() -> InputSeries {
    InputSeries { series: "up{job=\"another\",instance=\"a\"}".to_owned(), values: format!("1+0x{STEPS}") }
}

/// One restart is an accident, and so are two that are further apart than the window.
fn restarting(group: &Group, job: &str, alert: &str) -> Vec<Test> {
    let within = steps(RESTARTS_WITHIN);
    let began = |job: &str, instance: &str, second: usize| InputSeries {
        series: format!("process_start_time_seconds{{job=\"{job}\",instance=\"{instance}\"}}"),
        // First at the tenth step.
        values: format!("1+0x9 2+0x{} 3+0x{STEPS}", second - 11),
    };
    // A sample is in the window that ends less than a window later.
    let last = 9 + within - 1;
    vec![
        test(
            format!(
                "{alert} fires at the second restart within its window, and clears when the first is out of it"
            ),
            vec![began(job, "a", last)],
            vec![
                alerts(alert, last - 1, Vec::new()),
                alerts(alert, last, vec![expected(group, alert, &[("job", job), ("instance", "a")])]),
                alerts(alert, last + 1, Vec::new()),
            ],
        ),
        test(
            format!(
                "{alert} is silent at two restarts that are further apart, and at those of other instances and jobs"
            ),
            vec![began(job, "a", last + 1), began(job, "b", last + 2), began("another", "a", last)],
            vec![alerts(alert, last, Vec::new()), alerts(alert, last + 2, Vec::new())],
        ),
    ]
}

fn blind(group: &Group) -> Vec<Test> {
    let holds = steps_of_hold(group, BLIND);
    let up = |values: String| InputSeries { series: "up{job=\"another\",instance=\"a\"}".to_owned(), values };
    vec![
        test(
            format!("{BLIND} is silent while anything is stored, if only that it does not answer"),
            vec![up(format!("0+0x{STEPS}"))],
            vec![alerts(BLIND, STEPS, Vec::new())],
        ),
        test(
            format!("{BLIND} fires when nothing was stored for its hold, and clears with the first sample"),
            vec![up(format!("1+0x9 stale _x{} 1+0x9", holds + 8))],
            vec![
                alerts(BLIND, 10 + holds - 1, Vec::new()),
                alerts(BLIND, 10 + holds, vec![expected(group, BLIND, &[])]),
                alerts(BLIND, 20 + holds, Vec::new()),
            ],
        ),
    ]
}

fn impossible(objectives: &Objectives, group: &Group) -> Vec<Test> {
    let holds = steps_of_hold(group, IMPOSSIBLE);
    let series = |events: &str, value: u32| InputSeries {
        series: format!("slo:{events}:increase{SLICE}{{service=\"{}\",slo=\"example\"}}", objectives.service),
        values: format!("{value}+0x{STEPS}"),
    };
    vec![
        test(
            format!("{IMPOSSIBLE} is silent while everything is bad"),
            // A percent more, because the two are extrapolated apart.
            vec![series("bad", 101), series("total", 100)],
            vec![alerts(IMPOSSIBLE, STEPS, Vec::new())],
        ),
        test(
            format!("{IMPOSSIBLE} fires when more is bad than there was, after its hold"),
            vec![series("bad", 102), series("total", 100)],
            vec![
                alerts(IMPOSSIBLE, holds - 1, Vec::new()),
                alerts(IMPOSSIBLE, holds, vec![expected(group, IMPOSSIBLE, &[("slo", "example")])]),
            ],
        ),
    ]
}

fn test(name: String, input_series: Vec<InputSeries>, alert_rule_test: Vec<AlertTest>) -> Test {
    Test { name, interval: STEP, input_series, alert_rule_test, promql_expr_test: Vec::new() }
}

fn alerts(alert: &str, step: usize, exp_alerts: Vec<ExpectedAlert>) -> AlertTest {
    AlertTest { eval_time: at(STEP, step), alertname: alert.to_owned(), exp_alerts }
}

/// The alert as its rule says it, with the labels that come from the series filled in.
fn expected(group: &Group, alert: &str, of_series: &[(&str, &str)]) -> ExpectedAlert {
    let mut said = ExpectedAlert { exp_labels: BTreeMap::new(), exp_annotations: BTreeMap::new() };
    for rule in &group.rules {
        if let Rule::Alert(Alert { alert: name, labels, annotations, .. }) = rule
            && name == alert
        {
            let own = of_series.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            said.exp_labels = own.chain(labels.clone()).collect();
            let filled = annotations.iter().map(|(name, text)| (name.clone(), fill(text, of_series)));
            said.exp_annotations = filled.collect();
        }
    }
    said
}

/// Where a value is shown, it is the least that the alert comes with.
fn fill(text: &str, labels: &[(&str, &str)]) -> String {
    let shown = text.replace("{{ $value }}", &RESTARTS.to_string());
    labels.iter().fold(shown, |text, (name, value)| text.replace(&format!("{{{{ $labels.{name} }}}}"), value))
}

fn steps_of_hold(group: &Group, alert: &str) -> usize {
    let hold = group.rules.iter().find_map(|rule| match rule {
        Rule::Alert(Alert { alert: name, hold, .. }) if name == alert => hold.parse::<Span>().ok(),
        _ => None,
    });
    hold.map_or(0, steps)
}

fn steps(span: Span) -> usize {
    usize::try_from(span.millis().div_ceil(STEP.millis())).unwrap_or_default()
}
