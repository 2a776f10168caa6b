//! What has to be there, and numbers that can't be true.

use std::collections::BTreeMap;

use super::Named;
use super::file::{AlertTest, ExpectedAlert, InputSeries, Test, TestFile};
use super::tier::at;
use crate::numbers::Span;
use crate::objectives::{Objectives, SLICE, Target};
use crate::rules::{Alert, Group, IMPOSSIBLE, Rule};

/// Holds are whole multiples of it.
const STEP: Span = Span::from_secs(12);

/// Long enough for every hold twice.
const STEPS: usize = 300;

pub(super) fn file(objectives: &Objectives, group: &Group) -> Named {
    let mut tests: Vec<Test> =
        objectives.targets.iter().flat_map(|target| of_target(group, target)).collect();
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
                alerts(alert, 10 + holds, vec![expected(group, alert, "")]),
                alerts(alert, 20 + holds, Vec::new()),
            ],
        ),
        test(
            format!("{alert} fires when no target is known"),
            vec![another_job()],
            vec![
                alerts(alert, holds - 1, Vec::new()),
                alerts(alert, holds, vec![expected(group, alert, "")]),
            ],
        ),
    ]
}

/// A job that answers all the time: it must not stand for the one that doesn't.
fn another_job() -> InputSeries {
    InputSeries { series: "up{job=\"another\",instance=\"a\"}".to_owned(), values: format!("1+0x{STEPS}") }
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
                alerts(IMPOSSIBLE, holds, vec![expected(group, IMPOSSIBLE, "example")]),
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

/// The alert as its rule says it. `slo` is the label that comes from the series, where the rule has none.
fn expected(group: &Group, alert: &str, slo: &str) -> ExpectedAlert {
    let mut said = ExpectedAlert { exp_labels: BTreeMap::new(), exp_annotations: BTreeMap::new() };
    for rule in &group.rules {
        if let Rule::Alert(Alert { alert: name, labels, annotations, .. }) = rule
            && name == alert
        {
            said.exp_labels.clone_from(labels);
            said.exp_labels.entry("slo".to_owned()).or_insert_with(|| slo.to_owned());
            let filled =
                annotations.iter().map(|(name, text)| (name.clone(), text.replace("{{ $labels.slo }}", slo)));
            said.exp_annotations = filled.collect();
        }
    }
    said
}

fn steps_of_hold(group: &Group, alert: &str) -> usize {
    let hold = group.rules.iter().find_map(|rule| match rule {
        Rule::Alert(Alert { alert: name, hold, .. }) if name == alert => hold.parse::<Span>().ok(),
        _ => None,
    });
    let steps = hold.map_or(0, |hold| hold.millis().div_ceil(STEP.millis()));
    usize::try_from(steps).unwrap_or_default()
}
