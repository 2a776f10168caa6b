//! The eight rules that the compiler keeps (docs/architecture.md, "Objectives"), each by its name, through the
//! library's public door. What Prometheus makes of the outputs is tried in promtool: `cargo xtask e2e rules`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows the functions that are tests, not those that tests call; a test fails by panicking"
)]

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use slo::definition::Source;
use slo::numbers::{BurnRate, Objective, Period, Severity, Span};
use slo::objectives::{Indicator, Objectives, Slo};
use slo::outputs::{self, Output};
use slo::rule_tests;
use slo::rules::{self, Alert, Rule};

const OURS: &str = include_str!("../definitions/inference.yaml");

fn compiled(text: &str) -> Result<Objectives, String> {
    Source::read("inference.yaml", text)
        .and_then(|source| source.check())
        .map_err(|faults| faults.to_string())
}

fn ours() -> Objectives {
    compiled(OURS).unwrap()
}

fn slo<'a>(objectives: &'a Objectives, id: &str) -> &'a Slo {
    objectives.slos.iter().find(|slo| slo.id == id).unwrap()
}

fn rules_of(objectives: &Objectives, slo: &Slo) -> Vec<Rule> {
    rules::groups_of(objectives, slo).unwrap().into_iter().flat_map(|group| group.rules).collect()
}

fn recorded<'a>(rules: &'a [Rule], name: &str) -> &'a Rule {
    rules.iter().find(|rule| rule.name() == name).unwrap_or_else(|| panic!("nothing records {name}"))
}

/// Every kind of indicator leads to the same ratio of two recorded series: nothing after the pair knows the kind.
#[test]
fn rule_1_everything_after_the_pair_of_bad_and_total_is_the_same_for_every_indicator() {
    let objectives = ours();
    let ratios: BTreeSet<String> = objectives
        .slos
        .iter()
        .map(|slo| {
            let rules = rules_of(&objectives, slo);
            recorded(&rules, "slo:sli_error:ratio_rate1h").query().to_string().replace(&slo.id, "ID")
        })
        .collect();
    assert_eq!(ratios.len(), 1, "{ratios:?}");
}

#[test]
fn rule_2_objectives_are_exact_and_a_hundred_percent_is_refused() {
    let objective: Objective = "99.9999".parse().unwrap();
    assert_eq!(objective.budget().ratio().to_string(), "0.000001");
    let error = compiled(&OURS.replacen("\"99.9\"", "\"100\"", 1)).unwrap_err();
    assert!(error.contains("leaves no error budget"), "{error}");
}

/// The workbook's identity; not our own constants again.
#[test]
fn rule_3_burn_rates_follow_the_period_and_windows_do_not() {
    let windows = |period: Period| period.tiers().iter().map(|tier| tier.long).collect::<Vec<_>>();
    for period in Period::ALL {
        assert_eq!(windows(period), windows(Period::Days30));
        for tier in period.tiers() {
            let rate: BurnRate = tier.burn_rate(period.span());
            let spent =
                rate.factor() * Decimal::from(tier.long.millis()) / Decimal::from(period.span().millis());
            assert_eq!(spent.round_dp(9), tier.share, "{period:?} over {}", tier.long);
        }
    }
    let error = compiled(&OURS.replacen("objective: \"99\"", "objective: \"90\"", 1)).unwrap_err();
    assert!(error.contains("can never set off the alert over 1h"), "{error}");
}

#[test]
fn rule_4_a_ratio_is_of_sums_and_idle_is_silence() {
    let objectives = ours();
    for slo in &objectives.slos {
        let rules = rules_of(&objectives, slo);
        let ratio = recorded(&rules, "slo:sli_error:ratio_rate5m").query().to_string();
        assert!(ratio.contains(" / (slo:total:increase5m") && ratio.ends_with("> 0)"), "{ratio}");
        let bad = recorded(&rules, "slo:bad:increase5m").query().to_string();
        match slo.indicator {
            Indicator::Events { .. } => assert!(bad.contains("\nor\n0 * sum"), "{bad}"),
            Indicator::Latency { .. } => assert!(bad.contains(" or 0 * sum"), "{bad}"),
            Indicator::Freshness { .. } => assert!(bad.starts_with("sum_over_time"), "{bad}"),
        }
    }
}

#[test]
fn rule_5_a_latency_threshold_is_a_bucket_of_the_service_byte_for_byte() {
    let objectives = ours();
    let buckets = output(&objectives, "services/inference/src/telemetry/buckets.rs").content;
    let rules = rules_of(&objectives, slo(&objectives, "api-latency"));
    let bad = recorded(&rules, "slo:bad:increase5m").query().to_string();
    assert!(bad.contains("le=\"0.025\"") && buckets.contains(", 0.025,"), "{bad}\n{buckets}");
}

#[test]
fn rule_6_the_period_sums_recorded_increases_and_may_be_overdrawn() {
    let objectives = ours();
    let rules = rules_of(&objectives, slo(&objectives, "api-availability"));
    let bad = recorded(&rules, "slo:period_bad:increase").query().to_string();
    assert_eq!(
        bad,
        "sum_over_time(slo:bad:increase5m{service=\"inference\",slo=\"api-availability\"}[30d:5m])"
    );
    let left = recorded(&rules, "slo:period_error_budget_remaining:ratio").query().to_string();
    assert!(left.starts_with("1 - ") && !left.contains("clamp") && left.contains("> 0)"), "{left}");
}

#[test]
fn rule_7_one_alert_for_each_pair_of_windows_and_pages_inhibit_tickets() {
    let objectives = ours();
    for slo in &objectives.slos {
        let mut windows = BTreeSet::new();
        for rule in rules_of(&objectives, slo) {
            let Rule::Alert(Alert { alert, labels, annotations, .. }) = rule else { continue };
            assert_eq!(alert, slo.alert());
            let names: Vec<_> = labels.keys().map(String::as_str).collect();
            assert_eq!(names, ["long", "service", "severity", "short", "slo"]);
            assert!(annotations["runbook_url"].ends_with(&format!("/{alert}.md")));
            assert!(annotations["description"].contains("of the budget of 30d goes within"));
            windows.insert((labels["long"].clone(), labels["short"].clone()));
        }
        assert_eq!(windows.len(), slo.tiers.len());
        assert!(slo.tiers.iter().any(|tier| tier.severity == Severity::Page));
    }
    let routes = output(&objectives, "observability/alertmanager/alertmanager.yml").content;
    let expected = "- source_matchers:\n  - severity=\"page\"\n  - slo!=\"\"\n  target_matchers:\n  - severity=\"ticket\"\n  \
                    - slo!=\"\"\n  equal:\n  - service\n  - slo\n";
    assert!(routes.contains(expected), "{routes}");
}

#[test]
fn rule_8_every_alert_has_a_test_of_each_kind() {
    let objectives = ours();
    for slo in &objectives.slos {
        let files = rule_tests::of_objective(&objectives, slo).unwrap();
        for tier in &slo.tiers {
            let name = format!("{}/{}-{}", slo.id, tier.severity, tier.long);
            let file = files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}"));
            let tests: String = file.file.tests.iter().map(|test| test.name.clone() + "\n").collect();
            for kind in [
                "just before its time",
                "total outage",
                "just above the threshold",
                "nothing happens",
                "no series is there",
                "too few",
                "starts again",
                "does its work",
                "requests all fail",
            ] {
                assert!(tests.contains(kind), "{name} has no test that says {kind:?}:\n{tests}");
            }
        }
        assert!(files.iter().any(|file| file.name == format!("{}/hold-{}", slo.id, Span::minutes(1))));
        assert!(files.iter().any(|file| file.name == format!("{}/recorded", slo.id)));
    }
}

fn output(objectives: &Objectives, path: &str) -> Output {
    let receivers = "receivers:\n  - name: page\n  - name: ticket\n";
    let programs = ["../services/inference/metrics.json", "../loadtest/metrics.json"]
        .map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap());
    let outputs = outputs::outputs(objectives, receivers, &programs).unwrap();
    outputs.into_iter().find(|output| output.path == path).unwrap_or_else(|| panic!("nothing makes {path}"))
}
