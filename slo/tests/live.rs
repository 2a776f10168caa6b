//! The commands that look at what runs, by their exit codes: 0 pass, 1 fail, 2 nobody can say. The servers are doubles
//! that answer what a test says.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows the functions that are tests, not those that tests call; a test fails by panicking"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;

use rstest::rstest;
use serde_json::{Value, json};

/// A server that answers each question by what is asked; gives its address. Ends with the test's process.
fn server(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            reply(stream.unwrap(), &answer);
        }
    });
    url
}

fn reply(mut stream: TcpStream, answer: impl Fn(&str) -> (u16, String)) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let target = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
    let _head = lines.take_while(|line| !line.is_empty()).count();
    let (status, body) = answer(&target);
    let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    // Who goes away before the end has seen enough.
    let _sent = stream.write_all((head + &body).as_bytes());
}

/// A Prometheus in which each of these series has a value; all others are not there.
fn prometheus(values: &'static [(&'static str, f64)]) -> String {
    server(move |target| {
        let found = values.iter().filter(|(part, _)| part.split('+').all(|part| target.contains(part)));
        let result: Vec<Value> =
            found.map(|(_, value)| json!({"metric": {}, "value": [0, value.to_string()]})).collect();
        (200, json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string())
    })
}

fn slo(arguments: &[&str]) -> Output {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    Command::new(env!("CARGO_BIN_EXE_slo"))
        .args(["--root", root, "--definitions", "slo/tests/fixtures/service.yaml"])
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn says(output: &Output, code: i32, words: &str) {
    let text = [&*output.stdout, &*output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(words), "{text}");
}

/// The series of what is left of the budget of predictions.
const LEFT: &str = "error_budget_remaining+api-availability";

#[rstest]
#[case::enough(&[(LEFT, 0.9)], "feature", 0, "90.0 % of the budget left")]
#[case::enough_for_fixes(&[(LEFT, 0.2)], "feature", 1, "Features wait")]
#[case::a_fix(&[(LEFT, 0.2)], "fix", 0, "Features wait")]
#[case::nothing_left(&[(LEFT, -0.5)], "fix", 1, "-50.0 % of the budget left")]
#[case::a_young_server(&[(LEFT, 0.9), ("period_coverage+api-availability", 0.1)], "feature", 0, "from 10.0 % of 30d")]
#[case::no_data(&[], "fix", 2, "NO DATA")]
#[case::no_number(&[(LEFT, f64::NAN)], "fix", 2, "NO DATA")]
fn a_delivery_goes_by_the_budget(
    #[case] values: &'static [(&'static str, f64)],
    #[case] delivers: &str,
    #[case] code: i32,
    #[case] words: &str,
) {
    let url = prometheus(values);
    let gate = ["gate", "--prometheus", &url, "--slo", "api-availability", "--delivers", delivers];
    says(&slo(&gate), code, words);
}

#[test]
fn one_objective_without_data_is_no_pass_and_one_that_fails_is_a_failure() {
    let one = prometheus(&[(LEFT, 0.9)]);
    says(&slo(&["gate", "--prometheus", &one]), 2, "NO DATA");
    let two = prometheus(&[(LEFT, -0.1)]);
    says(&slo(&["gate", "--prometheus", &two]), 1, "FAIL");
}

#[rstest]
#[case::nothing_to_watch(&[("auth_jwks_last_refresh_timestamp_seconds", 0.0)], 0, "there is nothing to watch")]
#[case::something_to_watch(&[("auth_jwks_last_refresh_timestamp_seconds", 1.0)], 2, "NO DATA")]
#[case::nobody_there(&[], 2, "NO DATA")]
fn what_nobody_uses_needs_no_budget(
    #[case] values: &'static [(&'static str, f64)],
    #[case] code: i32,
    #[case] words: &str,
) {
    says(&slo(&["gate", "--prometheus", &prometheus(values), "--slo", "jwks-freshness"]), code, words);
}

#[rstest]
#[case::nothing(&[], 2, "NO DATA")]
#[case::all_of_them_bad(&[("track%3D%22canary", 1000.0)], 1, "1000 of 1000 events bad, 100.00 %; 1.44 % may be")]
#[case::too_few(&[("track%3D%22canary", 69.0)], 2, "69 events; below 70")]
fn a_canary_goes_by_its_own_series(
    #[case] values: &'static [(&'static str, f64)],
    #[case] code: i32,
    #[case] words: &str,
) {
    let url = prometheus(values);
    let canary = r#"track="canary""#;
    says(&slo(&["gate", "--prometheus", &url, "--slo", "api-availability", "--canary", canary]), code, words);
}

#[rstest]
#[case::no_prometheus("http://127.0.0.1:1", "Connection refused")]
#[case::no_objective("http://127.0.0.1:1 --slo speed", "--slo speed: the definitions have no such objective")]
#[case::no_selector("http://127.0.0.1:1 --canary track=", "is not PromQL")]
fn a_gate_that_cannot_be_asked_is_no_pass(#[case] arguments: &str, #[case] words: &str) {
    let arguments: Vec<&str> = ["gate", "--prometheus"].into_iter().chain(arguments.split(' ')).collect();
    says(&slo(&arguments), 2, words);
}

#[rstest]
#[case::a_page_of_somebody_else(200, "<html>", "answers, but not as Prometheus does")]
#[case::an_error(400, "parse error", "answered 400; expected 200: parse error")]
fn what_is_no_prometheus_is_no_pass(#[case] status: u16, #[case] body: &'static str, #[case] words: &str) {
    let url = server(move |_| (status, body.to_owned()));
    says(&slo(&["gate", "--prometheus", &url]), 2, words);
}

#[rstest]
#[case::metrics_of_something_else(
    200,
    "# TYPE up gauge\nup 1\n",
    1,
    "MISSING: no metric probe_answers_total"
)]
#[case::no_metrics(200, "<html>", 2, "line 1 is no sample")]
#[case::not_there(404, "", 2, "answered 404")]
fn a_page_is_checked(
    #[case] status: u16,
    #[case] body: &'static str,
    #[case] code: i32,
    #[case] words: &str,
) {
    let url = server(move |_| (status, body.to_owned()));
    says(&slo(&["check", "--metrics", &format!("{url}/metrics")]), code, words);
}

#[test]
fn an_alert_is_explained_in_words_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("alert.svg");
    let explained = slo(&["explain", "ApiAvailabilityBurn", "--svg", svg.to_str().unwrap()]);
    says(&explained, 0, "the budget goes 100 times as fast as it may: all of it is gone after 7h12m");
    says(&explained, 0, "9m38s");
    says(&explained, 0, "runbooks/ApiAvailabilityBurn.md");
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.contains("page, 1h and 5m"), "{drawn}");
    for colour in ["#B00020", "#E07B00", "#0066B3", "#4A4A4A"] {
        assert_eq!(
            drawn.matches(&format!("stroke=\"{colour}\"")).count(),
            2,
            "a line and its legend: {drawn}"
        );
    }
}

#[rstest]
#[case::an_objective(&["api-latency", "--error-ratio", "0.005"], 0, "it lasts")]
#[case::neither(&["speed"], 2, "neither an objective nor an alert; expected one of: api-availability (Api")]
#[case::more_than_all(&["api-latency", "--error-ratio", "1.5"], 2, "expected a share beyond 0 and up to 1")]
#[case::nowhere(&["api-latency", "--svg", "/nowhere/alert.svg"], 2, "cannot draw /nowhere/alert.svg")]
fn what_is_explained_is_what_was_asked(#[case] arguments: &[&str], #[case] code: i32, #[case] words: &str) {
    says(&slo(&[&["explain"], arguments].concat()), code, words);
}

#[rstest]
#[case::no_file(&["--samples", "none.json"], "cannot read none.json")]
#[case::no_recording(&["--samples", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], "not an answer of Prometheus")]
fn a_recording_that_cannot_be_read_is_no_silence(#[case] arguments: &[&str], #[case] words: &str) {
    says(&slo(&[&["backtest"], arguments].concat()), 2, words);
}
