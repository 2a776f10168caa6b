//! Each way in which a load test was believed that should not have been, with the sentence that a person gets.

use rstest::rstest;

use crate::harness::{Scenario, TOKEN, loadtest, said};
use crate::server::Server;

const PASS: i32 = 0;
const FAIL: i32 = 1;
const INVALID: i32 = 2;

/// Few enough that no machine is too busy for them.
fn gentle() -> Scenario {
    Scenario { rate: 200, connections: 20, seconds: 1, objectives: &[], ..Scenario::default() }
}

/// The challenge's public answers sent this field and believed 61,242 errors.
fn with_the_challenges_wrong_field() -> Scenario {
    Scenario { field: "testarray", ..gentle() }
}

fn on_both_routes() -> Scenario {
    Scenario { routes: &["api", "infer"], ..gentle() }
}

fn with_few_connections() -> Scenario {
    Scenario { connections: 10, seconds: 1, ..Scenario::default() }
}

fn beyond_every_generator() -> Scenario {
    Scenario { rate: 400_000, connections: 50, threads: 1, seconds: 1, ..Scenario::default() }
}

#[rstest]
#[case::right(Server::Right, gentle(), PASS, "PASS try: all 200 answers were as expected")]
#[case::right_on_both_routes(
    Server::Right,
    on_both_routes(),
    PASS,
    "PASS try: all 400 answers were as expected"
)]
#[case::the_protocols_wrong_class(
    Server::Wrong,
    Scenario { routes: &["infer"], ..gentle() },
    FAIL,
    "answers that were compared are wrong: {\"inputs\":["
)]
#[case::wrong_field(
    Server::Right,
    with_the_challenges_wrong_field(),
    FAIL,
    " answers have status 422; expected 200"
)]
#[case::all_errors(Server::Broken, gentle(), FAIL, " answers have status 500; expected 200")]
#[case::fast_with_the_wrong_class(
    Server::Wrong,
    gentle(),
    FAIL,
    "answers that were compared are wrong: {\"array\":["
)]
#[case::all_timeouts(Server::TooLate, Scenario::default(), FAIL, "FAIL try: api-latency: ")]
#[case::never_answers(Server::Silent, Scenario::default(), FAIL, " timeout); its budget is 1 %")]
#[case::a_tenth_of_the_rate(
    Server::Queues(1),
    with_few_connections(),
    FAIL,
    "of 1000 requests that were due were sent: each connection was still waiting for an answer"
)]
#[case::dies_half_way(
    Server::DiesAfter(1_500),
    Scenario::default(),
    FAIL,
    "requests took longer than 25 ms or failed ("
)]
#[case::credentials_expire_half_way(
    Server::RefusesAfter(100),
    gentle(),
    FAIL,
    "answers have status 401; expected 200"
)]
#[case::starved_generator(
    Server::Right,
    beyond_every_generator(),
    INVALID,
    "% of its processor time, so it measured itself"
)]
fn a_run_says_in_one_sentence_what_came_of_it(
    #[case] server: Server,
    #[case] scenario: Scenario,
    #[case] code: i32,
    #[case] sentence: &str,
) {
    let server = server.start();
    let ran = scenario.run(server.address);
    assert!(ran.said.contains(sentence), "{ran:?}");
    assert_eq!(ran.code, code, "{ran:?}");
}

#[test]
fn nobody_there_is_no_pass() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scenario in [Scenario::default(), gentle()] {
        let ran = scenario.run(nobody);
        assert_eq!(ran.code, FAIL, "{ran:?}");
        assert!(ran.said.contains("Connection refused"), "{ran:?}");
    }
}

#[test]
fn what_is_kept_has_everything_but_the_token() {
    let server = Server::Right.start();
    let ran = gentle().run(server.address);
    let result = ran.result.expect("a result of the published form");
    assert_eq!(result.measurement().offered, 200);
    assert!(
        result
            .phases
            .iter()
            .all(|phase| phase.seconds.iter().map(|second| second.answers).sum::<u64>() == 200)
    );
    assert!(!ran.kept.contains(TOKEN), "{}", ran.kept);
}

#[test]
fn nobody_reading_on_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let result = concat!(env!("CARGO_MANIFEST_DIR"), "/results/brief-50k.json");
    let output = loadtest().args(["report", result]).stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn one_run_against_another_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::Right.start();
    std::fs::write(folder.path().join("result.json"), gentle().run(server.address).kept).unwrap();
    let output = loadtest()
        .args(["compare", "--before", "result.json", "--after", "result.json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(INVALID));
    assert!(said(&output).starts_with("1 pairs of runs; at least 6 are needed"), "{}", said(&output));
}

#[test]
fn a_scenario_that_makes_no_sense_runs_nothing_and_says_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("try.yaml"),
        Scenario::default().yaml().replace("api-latency", "api-speed"),
    )
    .unwrap();
    let output = loadtest().args(["run", "try.yaml"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(INVALID));
    assert!(said(&output).starts_with("try.yaml:"), "{}", said(&output));
    assert!(said(&output).contains("there is no objective \"api-speed\""), "{}", said(&output));
}
