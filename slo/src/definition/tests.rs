//! What a definitions file is refused for, with the place and the words that a person gets.

use rstest::rstest;

use super::Source;
use crate::objectives::Objectives;

const OURS: &str = include_str!("../../definitions/inference.yaml");

/// Whoever changes ours changes no place and no words of these.
const FIXED: &str = include_str!("../../tests/fixtures/service.yaml");

fn read(text: &str) -> Result<Objectives, String> {
    Source::read("inference.yaml", text)
        .and_then(|source| source.check())
        .map_err(|faults| faults.to_string())
}

#[test]
fn our_own_definitions_make_sense() {
    let objectives = read(OURS).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(objectives.slos.len(), 8);
}

#[test]
fn every_fault_of_shape_is_reported_at_once_with_its_place() {
    let text = FIXED
        .replacen("objective: \"99.9\"", "objective: 99.9", 1)
        .replacen("period: 30d", "period: 31d", 1)
        .replacen("    policy: serving", "    polcy: serving", 1)
        .replacen("severity: page", "severity: siren", 1);
    insta::assert_snapshot!(read(&text).unwrap_err());
}

#[test]
fn every_fault_of_sense_is_reported_at_once_with_its_place() {
    let text = FIXED
        .replacen("objective: \"99.9\"", "objective: \"100\"", 1)
        .replacen("objective: \"99\"", "objective: \"90\"", 1)
        .replacen("retention: 35d", "retention: 15d", 1)
        .replacen("scrape_interval: 15s", "scrape_interval: 2m", 1)
        .replacen("    policy: serving", "    policy: servng", 1)
        .replacen("bad: [failed]", "bad: [slow]", 1)
        .replacen("id: infer-latency", "id: infer-availability", 1)
        .replacen("        ahead: 6h", "        ahead: 6h\n        behind: 6h", 1);
    insta::assert_snapshot!(read(&text).unwrap_err());
}

#[rstest]
#[case::no_yaml("objectives: [", "is not YAML")]
#[case::nothing("", "holds 0 YAML documents")]
#[case::two_documents("a: 1\n---\nb: 2\n", "holds 2 YAML documents")]
#[case::a_list("- a\n", "expected object")]
#[case::an_anchor("a: &x 1\nb: *x\n", "")]
fn is_no_definition(#[case] text: &str, #[case] reason: &str) {
    let error = read(text).unwrap_err();
    assert!(error.contains(reason) && error.starts_with("inference.yaml:"), "{error}");
}

#[rstest]
#[case::two_kinds(
    "      events:\n        total: http",
    "      freshness: {timestamp: x, behind: 1m}\n      events:\n        total: http",
    "expected exactly one of `events`, `latency`, `prober` and `freshness`"
)]
#[case::function(
    "total: http_server_request_duration_seconds_count{",
    "total: 2 * http_server_request_duration_seconds_count{",
    "expected a selector"
)]
#[case::unknown_histogram(
    "total: http_server_request_duration_seconds{",
    "total: http_request_seconds{",
    "is not one of the histograms"
)]
#[case::reserved_label("least_bad_events: 5", "by: [slo]\n    least_bad_events: 5", "is set by the compiler")]
#[case::no_label("least_bad_events: 5", "by: [a-b]\n    least_bad_events: 5", "is not the name of a label")]
#[case::budget_that_lasts(
    "least_bad_events: 5",
    "tiers: [{severity: page, share: \"1\", long: 12h, hold: 1m}]\n    least_bad_events: 5",
    "is a burn rate of 0.6: below 1 the budget lasts"
)]
#[case::twin_tiers(
    "least_bad_events: 5",
    "tiers: [{severity: page, share: \"2\", long: 1h, hold: 1m}, {severity: page, share: \"3\", long: 1h, hold: 1m}]\n    least_bad_events: 5",
    "two tiers have the same long window"
)]
#[case::rising_policy("- left: \"25\"", "- left: \"75\"", "from most to least left")]
#[case::no_duration("scrape_interval: 15s", "scrape_interval: 15", "write it in quotes")]
#[case::bare_number("scrape_interval: 15s", "scrape_interval: \"15\"", "is not a duration")]
fn refuses(#[case] from: &str, #[case] to: &str, #[case] reason: &str) {
    assert!(FIXED.contains(from), "the fixture does not hold {from:?}");
    let error = read(&FIXED.replacen(from, to, 1)).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_latency_threshold_becomes_a_bound_of_its_histogram() {
    let objectives = read(&FIXED.replacen("threshold: 25ms", "threshold: 20ms", 1)).unwrap();
    let bounds: Vec<_> = objectives.histograms[0].bounds.iter().map(ToString::to_string).collect();
    assert!(bounds.contains(&"0.02".to_owned()) && !bounds.contains(&"0.025".to_owned()), "{bounds:?}");
}
