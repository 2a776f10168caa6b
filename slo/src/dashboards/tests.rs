//! What a person who was woken may count on, whichever dashboard is opened.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{Expr, NumberLiteral};
use promql_parser::util::{ExprVisitor, walk_expr};
use rstest::rstest;

use super::grafana::{Dashboard, GridPos, Kind};
use super::{dashboards, layout, picture, questions};
use crate::catalogue::Known;
use crate::definition::Source;
use crate::objectives::Objectives;
use crate::rules::rules;

const OURS: &str = include_str!("../../definitions/inference.yaml");

/// Whose numbers stay as they are when ours are changed.
const FIXED: &str = include_str!("../../tests/fixtures/service.yaml");

fn objectives(text: &str) -> Objectives {
    Source::read("inference.yaml", text).and_then(|source| source.check()).unwrap()
}

fn ours() -> Vec<Dashboard> {
    dashboards(&objectives(OURS))
}

fn known(objectives: &Objectives) -> Known {
    let service = serde_json::from_str(include_str!("../../../services/inference/metrics.json")).unwrap();
    let load_test = serde_json::from_str(include_str!("../../../loadtest/metrics.json")).unwrap();
    Known::of(&[service, load_test]).measured_by(objectives).and(&rules(objectives).unwrap())
}

#[test]
fn links_and_bookmarks_stay_valid() {
    let uids: Vec<_> = ours().into_iter().map(|dashboard| dashboard.uid).collect();
    assert_eq!(uids, ["overview", "service", "identity", "load-test", "capacity"]);
}

#[test]
fn every_panel_says_how_to_read_it_and_what_its_numbers_are() {
    for dashboard in ours() {
        for panel in &dashboard.panels {
            let name = format!("{}: {}", dashboard.uid, panel.title);
            let has_words = matches!(panel.kind, Kind::Row | Kind::Text);
            assert!(!panel.title.is_empty(), "{name}");
            assert!(panel.kind == Kind::Row || panel.description.len() > 60, "{name}");
            assert_eq!(panel.unit().is_some(), !has_words, "{name}");
            assert_eq!(panel.targets.is_empty(), has_words, "{name}");
        }
    }
}

#[test]
fn a_picture_names_every_panel() {
    let objectives = objectives(OURS);
    for dashboard in ours() {
        let picture = picture::output(&objectives, &dashboard).unwrap();
        for panel in &dashboard.panels {
            let title = panel.title.replace('&', "&amp;").replace('\'', "&apos;");
            assert!(picture.content.contains(&format!("\n{title}\n")), "{}: {title}", picture.path);
        }
    }
}

#[test]
fn panels_fill_the_grid_without_lying_on_each_other() {
    for dashboard in ours() {
        let mut taken = BTreeSet::new();
        let mut height = 0;
        for panel in &dashboard.panels {
            let GridPos { h, w, x, y } = panel.grid_pos;
            height = height.max(y + h);
            for cell in (y..y + h).flat_map(|row| (x..x + w).map(move |column| (row, column))) {
                assert!(taken.insert(cell), "{}: {} lies on another at {cell:?}", dashboard.uid, panel.title);
            }
        }
        let all = (0..height).flat_map(|row| (0..layout::COLUMNS).map(move |column| (row, column)));
        assert!(taken.into_iter().eq(all), "{} has a hole, or is wider than the grid", dashboard.uid);
    }
}

#[test]
fn no_two_panels_have_the_same_id() {
    for dashboard in ours() {
        let ids: BTreeSet<_> = dashboard.panels.iter().map(|panel| panel.id).collect();
        assert_eq!(ids.len(), dashboard.panels.len(), "{}", dashboard.uid);
    }
}

#[test]
fn every_objective_has_its_budget_its_burn_and_its_runbook_on_the_first_page() {
    let objectives = objectives(OURS);
    let overview = serde_json::to_string(&super::overview::dashboard(&objectives)).unwrap();
    for slo in &objectives.slos {
        for window in slo.windows() {
            let ratio =
                format!(r#"slo:sli_error:ratio_rate{window}{{service=\"inference\",slo=\"{}\"}}"#, slo.id);
            assert!(overview.contains(&ratio), "{ratio}");
        }
        let budget =
            format!(r#"slo:period_error_budget_remaining:ratio{{service=\"inference\",slo=\"{}\"}}"#, slo.id);
        assert!(overview.contains(&budget), "{budget}");
        assert!(overview.contains(&format!("runbooks/{}.md", slo.alert())), "{}", slo.id);
        for step in &slo.policy {
            assert!(overview.contains(&step.action), "{}", step.action);
        }
    }
}

#[test]
fn every_expression_parses_and_asks_for_what_is_exported_or_recorded() {
    let objectives = objectives(OURS);
    let known = known(&objectives);
    for question in questions(&objectives).unwrap() {
        assert_eq!(
            known.faults(&question.query),
            Vec::<String>::new(),
            "{}: {}",
            question.dashboard,
            question.panel
        );
    }
}

/// Numbers of an expression.
struct Numbers(Vec<f64>);

impl ExprVisitor for Numbers {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        if let Expr::NumberLiteral(NumberLiteral { val }) = expr {
            self.0.push(*val);
        }
        Ok(true)
    }
}

#[test]
fn no_expression_holds_a_number_that_is_not_an_objective() {
    let objectives = objectives(OURS);
    let promised: Vec<String> = objectives.slos.iter().map(|slo| slo.objective.ratio().to_string()).collect();
    for question in questions(&objectives).unwrap() {
        let parsed = promql_parser::parser::parse(question.query.as_str()).unwrap();
        let mut numbers = Numbers(Vec::new());
        walk_expr(&mut numbers, &parsed).unwrap();
        for number in numbers.0 {
            let neutral = number == 0.0 || number == 1.0 || number.is_nan();
            assert!(neutral || promised.contains(&number.to_string()), "{number} in {}", question.query);
        }
    }
}

/// The thresholds of a panel as they are written.
fn thresholds(text: &str, uid: &str, title: &str) -> String {
    let dashboards = dashboards(&objectives(text));
    let dashboard = dashboards.iter().find(|dashboard| dashboard.uid == uid).unwrap();
    let panel = dashboard.panels.iter().find(|panel| panel.title == title).unwrap();
    serde_json::to_value(panel).unwrap()["fieldConfig"].to_string()
}

#[rstest]
#[case::a_budget("objective: \"99.9\"", "objective: \"99.8\"", "service", "Failing now", "0.001", "0.002")]
#[case::a_latency(
    "threshold: 25ms",
    "threshold: 20ms",
    "service",
    "Duration · Predictions: fast",
    "0.025",
    "0.02"
)]
#[case::an_age("behind: 15m", "behind: 20m", "identity", "Signing keys: fresh", "900", "1200")]
#[case::time_left("ahead: 6h", "ahead: 7h", "identity", "Revocation list: in force", "21600", "25200")]
#[case::a_step_of_a_policy("left: \"25\"", "left: \"30\"", "overview", "Budget left", "0.25", "0.3")]
#[case::a_period("period: 30d", "period: 7d", "overview", "Burn rate by window", "14.4", "13.44")]
fn a_colour_changes_with_the_definition(
    #[case] from: &str,
    #[case] to: &str,
    #[case] uid: &str,
    #[case] title: &str,
    #[case] before: &str,
    #[case] after: &str,
) {
    assert!(FIXED.contains(from), "the fixture does not hold {from:?}");
    let value = |number: &str| format!("\"value\":{number}}}");
    let unchanged = thresholds(FIXED, uid, title);
    assert!(unchanged.contains(&value(before)) && !unchanged.contains(&value(after)), "{unchanged}");
    let changed = thresholds(&FIXED.replace(from, to), uid, title);
    assert!(changed.contains(&value(after)) && !changed.contains(&value(before)), "{changed}");
}

#[test]
fn every_variable_that_is_asked_for_is_offered() {
    for dashboard in ours() {
        let json = serde_json::to_string(&dashboard).unwrap();
        let offered: BTreeSet<_> = dashboard.templating.list.iter().map(|variable| variable.name).collect();
        for name in ["datasource", "instance", "run_id", "scenario", "trace_id"] {
            let asked = json.contains(&format!("${name}")) || json.contains(&format!("${{{name}}}"));
            assert_eq!(asked, offered.contains(name), "{}: {name}", dashboard.uid);
        }
    }
}

#[test]
fn each_expression_of_a_panel_has_a_name_of_its_own() {
    for dashboard in ours() {
        for panel in
            dashboard.panels.iter().filter(|panel| panel.kind != Kind::Table && panel.targets.len() > 1)
        {
            let mut legends = BTreeMap::new();
            for target in &panel.targets {
                let json = serde_json::to_value(target).unwrap();
                let legend = json["legendFormat"].as_str().unwrap().to_owned();
                assert!(!legend.is_empty(), "{}: {}", dashboard.uid, panel.title);
                assert!(legends.insert(legend, ()).is_none(), "{}: {}", dashboard.uid, panel.title);
            }
        }
    }
}

/// The colours of a panel's own thresholds, from the lowest value up.
fn colours(panel: &super::grafana::Panel) -> Vec<String> {
    let panel = serde_json::to_value(panel).unwrap();
    let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap().clone();
    let values: Vec<_> = steps.iter().skip(1).map(|step| step["value"].as_f64().unwrap()).collect();
    assert!(values.is_sorted(), "Grafana reads thresholds in their order: {values:?}");
    steps.iter().map(|step| step["color"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[case::budget("overview", "Budget left, and how much of the period is known", &["red", "orange", "yellow", "green"])]
#[case::burn("overview", "Burn rate", &["green", "orange", "orange", "red", "red"])]
#[case::duration("service", "Duration · Predictions: fast", &["green", "red"])]
#[case::age("identity", "Signing keys: fresh", &["green", "red"])]
#[case::time_left("identity", "Revocation list: in force", &["red", "green"])]
fn worse_is_never_calmer(#[case] uid: &str, #[case] title: &str, #[case] expected: &[&str]) {
    let dashboards = ours();
    let dashboard = dashboards.iter().find(|dashboard| dashboard.uid == uid).unwrap();
    let panel = dashboard.panels.iter().find(|panel| panel.title == title).unwrap();
    assert_eq!(colours(panel), expected);
}
