//! What a scenario is refused for, with the place and the words that a person gets.

use rstest::rstest;

use super::*;

fn objectives() -> Objectives {
    Objectives::read(include_str!("../../objectives.json")).unwrap()
}

const SMOKE: &str = include_str!("../../scenarios/smoke.yaml");

fn refusal(text: &str) -> String {
    // Which stay as they are when ours are changed.
    let objectives = Objectives::read(include_str!("../../tests/fixtures/objectives.json")).unwrap();
    Scenario::read("smoke.yaml", text, &objectives).unwrap_err().to_string()
}

#[rstest]
fn every_committed_scenario_makes_sense(#[files("scenarios/*.yaml")] file: std::path::PathBuf) {
    let text = std::fs::read_to_string(&file).unwrap();
    let name = file.file_stem().unwrap().to_str().unwrap();
    let scenario = Scenario::read(name, &text, &objectives()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(scenario.name, name);
}

#[rstest]
#[case::an_unknown_field(
    "threads: 1",
    "thread: 1",
    "thread: there is no such field; known ones are body_field,"
)]
#[case::no_length_of_time(
    "duration: 6s",
    "duration: six",
    r#"phases[0].duration: "six" is no length of time"#
)]
#[case::too_short("duration: 6s", "duration: 10ms", "phases[0].duration: is shorter than a second")]
#[case::an_open_load_without_a_rate("    rate: 2000\n", "", "phases[0]: an open load follows a schedule")]
#[case::a_rate_of_a_closed_load("load: open", "load: closed", "phases[0].rate: a closed load has no rate")]
#[case::latency_of_a_closed_load(
    "load: open\n    rate: 2000",
    "load: closed",
    "a closed load asks a slow target less"
)]
#[case::an_unknown_objective("api-latency", "api-speed", r#"there is no objective "api-speed""#)]
#[case::a_route_that_does_not_count(
    "    load: open",
    "    route: infer\n    load: open",
    "expect.objectives[0]: no phase asks a route whose requests count toward it"
)]
#[case::a_field_of_another_route(
    "phases:\n  - name: steady",
    "body_field: testarray\nphases:\n  - route: infer\n    name: steady",
    "body_field: only bodies of the route api have such a field"
)]
#[case::a_class_that_no_row_has(
    "threads: 1",
    "threads: 1\nonly_class: 2",
    "only_class: 2 is greater than the maximum of 1"
)]
#[case::too_few_requests("rate: 2000", "rate: 200", "needs 10000 requests, and the phases offer 1200")]
fn a_scenario_that_makes_no_sense_is_refused(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    assert!(SMOKE.contains(from), "{from:?} is not in the scenario");
    let said = refusal(&SMOKE.replacen(from, to, 1));
    assert!(said.contains(says), "{said}");
    let line = said.strip_prefix("smoke.yaml:").and_then(|rest| rest.split(':').next()).unwrap();
    assert!(line.parse::<usize>().unwrap() >= 1, "{said}");
}

const OVERLOAD: &str = include_str!("../../scenarios/overload.yaml");

#[rstest]
#[case::nothing_to_judge_it_by(
    OVERLOAD.split_at(OVERLOAD.find("  overload:\n").unwrap()).0,
    "expect: a phase is an overload; the field overload says what has to hold in it"
)]
#[case::no_overload(
    &OVERLOAD.replace("    overload: true\n", ""),
    "expect.overload: no phase asks for more than can be done"
)]
#[case::nothing_after_it(
    &OVERLOAD.replace("- name: after\n", "- name: after\n    overload: true\n"),
    "expect.overload: no phase comes after the overload"
)]
#[case::no_length_of_time(
    &OVERLOAD.replace("15ms", "long"),
    r#"service.answers_take: "long" is no length of time"#
)]
#[case::too_few_requests_beside_it(&OVERLOAD.replace("rate: 250", "rate: 50"), "needs 1000 requests, and the phases offer 500")]
fn an_overload_that_makes_no_sense_is_refused(#[case] text: &str, #[case] says: &str) {
    let said = refusal(text);
    assert!(said.contains(says), "{said}");
}

const SLOW_CLIENTS: &str = include_str!("../../scenarios/slow-clients.yaml");
const ROLLING_RESTART: &str = include_str!("../../scenarios/rolling-restart.yaml");
const MANY_IDENTITIES: &str = include_str!("../../scenarios/many-identities.yaml");
const NOISY_NEIGHBOUR: &str = include_str!("../../scenarios/noisy-neighbour.yaml");

#[rstest]
#[case::slow_clients_for_ever(
    SLOW_CLIENTS.replace("  slow_clients_ended_within: 4s\n", ""),
    "expect: clients are slow; the field slow_clients_ended_within says how long they may be"
)]
#[case::an_end_of_nobody(
    SLOW_CLIENTS.replace("    slow_clients:", "    # slow_clients:"),
    "expect.slow_clients_ended_within: no phase has slow_clients"
)]
#[case::slow_clients_over_tls(
    SLOW_CLIENTS.replace("credentials: bearer", "credentials: mtls"),
    "credentials: slow clients speak in the clear"
)]
#[case::a_restart_of_the_only_one(
    ROLLING_RESTART.replace("  instances: 2\n", ""),
    "phases[0].restarts: nobody answers while the only instance is away"
)]
#[case::instances_with_a_key_each(
    ROLLING_RESTART.replace("es256", "bearer"),
    "credentials: each instance makes a key of its own"
)]
#[case::a_neighbour_without_a_quota(
    NOISY_NEIGHBOUR.replace("  quota:\n    rate: 700\n    burst: 70\n", "  options: []\n"),
    "service: a neighbour asks for more than its quota; the field quota says how much that is"
)]
#[case::a_neighbour_whom_nobody_knows(
    NOISY_NEIGHBOUR.replace("es256", "mtls"),
    "credentials: a neighbour is known by a token of its own"
)]
#[case::a_neighbour_whom_nobody_judges(
    NOISY_NEIGHBOUR.replace("  neighbour:\n    quota_at_least: \"0.95\"\n", ""),
    "expect: a phase has a neighbour; the field neighbour says what it gets"
)]
#[case::no_neighbour(
    NOISY_NEIGHBOUR.replace("    neighbour:\n      rate: 7000\n      connections: 64\n", ""),
    "expect.neighbour: no phase has a neighbour; leave it out"
)]
#[case::clients_whom_nobody_knows_apart(
    MANY_IDENTITIES.replace("es256", "bearer"),
    "phases[0].identities: each client is known by a token of its own"
)]
#[case::clients_without_a_connection(
    MANY_IDENTITIES.replace("connections: 64", "connections: 7"),
    "phases[0].identities: together: 7 connections are less than one for each of 8 that share them; have fewer"
)]
fn what_goes_on_beside_the_requests_has_to_make_sense(#[case] text: String, #[case] says: &str) {
    let said = refusal(&text);
    assert!(said.contains(says), "{said}");
}

#[test]
fn all_faults_are_told_at_once() {
    let said = refusal(&SMOKE.replace("duration: 6s", "duration: six").replace("api-latency", "api-speed"));
    assert_eq!(said.lines().count(), 2, "{said}");
}
