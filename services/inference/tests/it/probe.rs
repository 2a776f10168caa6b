//! The prober against doors of all kinds: what it sends, what it makes of what comes back, and what it counts.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use inference::identity::Clock;
use inference::listen::Peer;
use inference::model::GoldenAnswers;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::certificates::Pki;
use crate::probing::{API, INFER, Prober, RESULTS, value};
use crate::raw_doors::{raw, read_request};
use crate::running::Running;
use crate::startup::{inference, stderr};
use crate::wire::{Server, patient, slow_end};

/// Only `result` came.
#[track_caller]
fn only(result: &str, found: [u64; 4]) {
    let others = RESULTS.iter().zip(found).filter(|(other, _)| **other != result);
    assert!(
        others.clone().all(|(_, times)| times == 0),
        "besides {result}: {:?}",
        others.collect::<Vec<_>>()
    );
}

fn golden() -> GoldenAnswers {
    GoldenAnswers::from_json("golden.json", include_bytes!("../../model/golden.json")).unwrap()
}

/// What a door was asked: from which connection, on which path, which row.
type Asked = Arc<Mutex<Vec<(SocketAddr, String, Vec<f32>)>>>;

/// A door that knows the golden answers, and lets in who bears `token`.
fn golden_door(token: &'static str) -> (Router, Asked) {
    let (golden, asked) = (Arc::new(golden()), Asked::default());
    let seen = asked.clone();
    let answer = async move |Extension(peer): Extension<Peer>, uri: Uri, headers: HeaderMap, body: Bytes| {
        if headers.get(header::AUTHORIZATION).is_none_or(|bears| *bears != format!("Bearer {token}")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let body: Value = serde_json::from_slice(&body).unwrap();
        let array = body.get("array").unwrap_or_else(|| &body["inputs"][0]["data"]);
        let array: Vec<f32> = serde_json::from_value(array.clone()).unwrap();
        let class = golden.rows().iter().find(|row| row.array == array).unwrap().class;
        seen.lock().unwrap().push((peer.address, uri.path().to_owned(), array));
        says(uri.path(), class)
    };
    (Router::new().fallback(answer), asked)
}

/// An answer as it should be, in the form of the path's protocol.
fn says(path: &str, class: i64) -> Response {
    let body = match path {
        API => json!({ "predicciones": [class] }),
        _ => json!({ "outputs": [{ "name": "label", "shape": [1], "datatype": "INT64", "data": [class] }] }),
    };
    body.to_string().into_response()
}

async fn open(door: Router) -> (Server, String) {
    let server = Server::start(patient(), door).await;
    let target = format!("http://{}", server.address);
    (server, target)
}

fn token_file(folder: &Path, token: &str) -> String {
    let file = folder.join("token");
    let next = folder.join("next");
    std::fs::write(&next, token).unwrap();
    std::fs::rename(next, &file).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_golden_row_comes_back_right_from_the_service_itself() {
    let service = Running::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(folder.path(), &service.token);
    let prober = Prober::start(&format!("http://{}", service.api), &["--token-file", &file]).await;
    only("right", prober.found("right", 552).await);
    let page = prober.get("/metrics").await.body;
    let timed = value(&page, &format!(r#"probe_duration_seconds_count{{http_route="{API}"}}"#));
    assert!(timed >= 552, "each is timed, not only {timed}");
    assert!(page.contains(r#"probe_duration_seconds_bucket{http_route="/api",le="0.025"}"#), "{page}");
    let log = prober.log();
    assert_eq!(log.matches("a right answer").count(), 2, "one line a route, not one a row:\n{log}");
    assert!(!log.contains(&service.token), "{log}");
}

#[tokio::test]
async fn the_rows_take_turns_on_one_connection() {
    let (door, asked) = golden_door("good");
    let (_server, target) = open(door).await;
    let folder = tempfile::tempdir().unwrap();
    let prober = Prober::start(&target, &["--token-file", &token_file(folder.path(), "good")]).await;
    only("right", prober.found("right", 553).await);
    let asked = asked.lock().unwrap();
    let connection = asked[0].0;
    assert!(asked.iter().all(|(peer, ..)| *peer == connection));
    for path in [API, "/v2/models/flights/infer"] {
        let rows: Vec<&Vec<f32>> =
            asked.iter().filter_map(|(_, asked, row)| (asked == path).then_some(row)).collect();
        let golden = golden();
        let expected: Vec<&Vec<f32>> = golden.rows().iter().map(|row| &row.array).collect();
        assert_eq!(rows[..552], expected, "{path}");
        assert_eq!(rows[552], expected[0], "{path}");
    }
}

#[rstest]
#[case::another_class(200, r#"{"predicciones":[5],"outputs":[{"data":[5]}]}"#, "wrong")]
#[case::two_classes(200, r#"{"predicciones":[0,1],"outputs":[{"data":[0,1]}]}"#, "wrong")]
#[case::no_class(200, "{}", "wrong")]
#[case::a_page_of_somebody_else(200, "<html>Welcome</html>", "wrong")]
#[case::not_known(401, "", "refused")]
#[case::not_allowed(403, "", "refused")]
#[case::no_such_route(404, "", "refused")]
#[case::too_often(429, "", "refused")]
#[case::elsewhere(302, "", "failed")]
#[case::nothing(204, "", "failed")]
#[case::a_fault(500, r#"{"predicciones":[0]}"#, "failed")]
#[case::a_full_house(503, "", "failed")]
#[tokio::test]
async fn what_comes_back_is_counted_as_what_it_is(
    #[case] status: u16,
    #[case] body: &'static str,
    #[case] result: &str,
) {
    let status = StatusCode::from_u16(status).unwrap();
    let (_server, target) = open(Router::new().fallback(async move || (status, body))).await;
    let prober = Prober::start(&target, &[]).await;
    only(result, prober.found(result, 3).await);
    assert_eq!(prober.get("/readyz").await.status(), "200", "it is the door that is not right");
    assert_eq!(prober.get("/livez").await.status(), "200");
}

#[tokio::test]
async fn an_answer_without_an_end_has_failed() {
    let endless = async || "0".repeat(100_000);
    let (_server, target) = open(Router::new().fallback(endless)).await;
    let prober = Prober::start(&target, &[]).await;
    only("failed", prober.found("failed", 1).await);
    assert!(prober.log().contains("longer than 65536 bytes"), "{}", prober.log());
}

#[tokio::test]
async fn the_right_class_of_another_row_is_wrong() {
    // Most of the golden classes, so that many of its answers are right.
    let punctual = async |uri: Uri| says(uri.path(), 0);
    let (_server, target) = open(Router::new().fallback(punctual)).await;
    let prober = Prober::start(&target, &[]).await;
    let late = golden().rows().iter().filter(|row| row.class == 1).count() as u64;
    let [right, wrong, refused, failed] = prober.found("wrong", late).await;
    assert!(right > 0 && wrong > 0);
    assert_eq!([refused, failed], [0, 0]);
    assert!(prober.log().contains("[0], expected [1]"), "{}", prober.log());
}

#[tokio::test]
async fn a_closed_port_has_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let prober = Prober::start(&target, &[]).await;
    only("failed", prober.found("failed", 3).await);
    let page = prober.get("/metrics").await.body;
    assert_eq!(
        value(&page, r#"probe_duration_seconds_count{http_route="/api"}"#),
        0,
        "no answer is not fast"
    );
    assert_eq!(prober.log().matches("no answer").count(), 2, "one line a route:\n{}", prober.log());
}

/// What a door of bytes does with a connection on which it was asked.
#[derive(Clone, Copy)]
enum Manner {
    Silence,
    Half,
    HalfAndTheEnd,
}

#[rstest]
#[case::silence(Manner::Silence, "no whole answer within 0.05 s")]
#[case::half_an_answer(Manner::Half, "no whole answer within 0.05 s")]
#[case::half_an_answer_and_the_end(Manner::HalfAndTheEnd, "end of file")]
#[tokio::test]
async fn less_than_a_whole_answer_has_failed(#[case] manner: Manner, #[case] says: &str) {
    let target = raw(move |mut stream| async move {
        let mut held = Vec::new();
        if read_request(&mut stream).await.is_some() && !matches!(manner, Manner::Silence) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"predicc").await.unwrap();
        }
        if !matches!(manner, Manner::HalfAndTheEnd) {
            // Until the prober gives up.
            let _end = stream.read_to_end(&mut held).await;
        }
    })
    .await;
    let prober = Prober::start(&target, &["--timeout", "50ms"]).await;
    only("failed", prober.found("failed", 2).await);
    assert!(prober.log().contains(says), "{}", prober.log());
}

#[tokio::test]
async fn a_connection_that_the_door_closed_between_two_probes_is_no_failure() {
    let target = raw(|mut stream| async move {
        for path in [API, INFER] {
            if read_request(&mut stream).await.is_none() {
                return;
            }
            let body = match path {
                API => r#"{"predicciones":[7]}"#,
                _ => r#"{"outputs":[{"data":[7]}]}"#,
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let prober = Prober::start(&target, &["--interval", "50ms"]).await;
    only("wrong", prober.found("wrong", 4).await);
}

#[tokio::test]
async fn every_series_exists_at_zero_before_the_first_answer_and_no_other() {
    let target = raw(|mut stream| async move {
        let _end = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let prober = Prober::start(&target, &["--timeout", "1h"]).await;
    for route in [API, INFER] {
        assert_eq!(prober.answers(route).await, [0; 4]);
    }
    let page = prober.get("/metrics").await.body;
    for route in [API, INFER] {
        let series = format!(r#"probe_duration_seconds_count{{http_route="{route}"}}"#);
        assert_eq!(value(&page, &series), 0);
    }
    let strangers = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    // What a process tells of itself is its own in either.
    let strangers: Vec<&str> =
        strangers.filter(|line| !line.starts_with("probe_") && !line.starts_with("process_")).collect();
    assert_eq!(strangers, [""; 0], "the service's own series are not the prober's");
}

#[tokio::test]
async fn a_token_is_renewed_in_its_file() {
    let (door, _asked) = golden_door("second");
    let (_server, target) = open(door).await;
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(folder.path(), "first\n");
    let prober = Prober::start(&target, &["--token-file", &file]).await;
    only("refused", prober.found("refused", 2).await);
    token_file(folder.path(), " second\n");
    let [_, wrong, _, failed] = prober.found("right", 2).await;
    assert_eq!([wrong, failed], [0, 0]);
    // Somebody's mistake, or a moment between two tokens: the one before goes on.
    for spoilt in ["", "two words", "ä"] {
        token_file(folder.path(), spoilt);
        let before = prober.answers(API).await;
        prober.found("right", before[0] + 5).await;
        assert_eq!(prober.answers(API).await[2], before[2], "{spoilt:?}");
    }
    assert_eq!(prober.log().matches("token file refused").count(), 1, "{}", prober.log());
}

#[rstest]
#[case::trusted(true, "right")]
#[case::not_trusted(false, "failed")]
#[tokio::test]
async fn a_secure_door_is_asked_where_its_authority_is_trusted(#[case] trusted: bool, #[case] result: &str) {
    let pki = Pki::new();
    let (door, _asked) = golden_door("good");
    let server = Server::start_secured(patient(), &slow_end(), door, Some(pki.load(Clock::System))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(folder.path(), "good");
    let ca = pki.path("clients.pem");
    let mut arguments = vec!["--token-file", &file];
    if trusted {
        arguments.extend(["--ca", ca.to_str().unwrap()]);
    }
    let prober = Prober::start(&format!("https://{}", server.address), &arguments).await;
    only(result, prober.found(result, 2).await);
}

#[rstest]
#[case::by_the_target("https://ADDRESS", "ADDRESS", true)]
#[case::by_another_way("https://127.0.0.1:1", "ADDRESS", true)]
#[case::whose_name_is_another("https://flights.example:1", "ADDRESS", false)]
#[tokio::test]
async fn who_answers_is_who_the_target_says_whatever_the_way(
    #[case] target: &str,
    #[case] way: &str,
    #[case] trusted: bool,
) {
    let pki = Pki::new();
    let (door, _asked) = golden_door("good");
    let server = Server::start_secured(patient(), &slow_end(), door, Some(pki.load(Clock::System))).await;
    let address = server.address.to_string();
    let folder = tempfile::tempdir().unwrap();
    let (file, ca) = (token_file(folder.path(), "good"), pki.path("clients.pem"));
    let way = way.replace("ADDRESS", &address);
    let arguments = ["--token-file", &file, "--ca", ca.to_str().unwrap(), "--connect", &way];
    let prober = Prober::start(&target.replace("ADDRESS", &address), &arguments).await;
    let result = if trusted { "right" } else { "failed" };
    only(result, prober.found(result, 2).await);
}

#[rstest]
#[case::all_right(true, Some(0), "all 1104 answers are right")]
#[case::none_right(false, Some(1), "1104 of 1104 answers are not right")]
#[tokio::test]
async fn asks_each_row_once_and_says_by_its_end_whether_all_were_right(
    #[case] known: bool,
    #[case] code: Option<i32>,
    #[case] says: &str,
) {
    let (door, asked) = golden_door("good");
    let (_server, target) = open(door).await;
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(folder.path(), if known { "good" } else { "bad" });
    let mut probe = Command::new(env!("CARGO_BIN_EXE_inference"));
    probe.args(["probe", "--once", "--interval", "1ms", "--metrics-listen", "127.0.0.1:0"]);
    probe.args(["--target", &target, "--token-file", &file]);
    // The door is on this thread.
    let output = tokio::task::spawn_blocking(move || probe.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert_eq!(output.status.code(), code, "{said}");
    assert!(said.contains(says), "{said}");
    assert_eq!(asked.lock().unwrap().len(), if known { 1104 } else { 0 });
}

#[tokio::test]
async fn who_is_told_to_end_before_all_was_asked_has_not_passed() {
    let (_server, target) = open(Router::new()).await;
    let mut prober = Prober::start(&target, &["--once", "--interval", "1h"]).await;
    prober.found("refused", 1).await;
    let id = prober.process.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert_eq!(prober.process.wait().unwrap().code(), Some(1), "{}", prober.log());
}

#[tokio::test]
async fn ends_in_peace_when_told_to() {
    let (_server, target) = open(Router::new()).await;
    let mut prober = Prober::start(&target, &[]).await;
    prober.found("refused", 1).await;
    let id = prober.process.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert!(prober.process.wait().unwrap().success(), "{}", prober.log());
}

#[rstest]
#[case::no_token_file(&["--token-file", "none"], "--token-file none: No such file")]
#[case::no_token(&["--token-file", "Cargo.toml"], "--token-file Cargo.toml: expected one token")]
#[case::no_authorities(&["--ca", "Cargo.toml"], "--ca Cargo.toml: no certificate in it; expected PEM")]
#[case::a_taken_port(&["--metrics-listen", "TAKEN"], "choose another with --metrics-listen")]
fn does_not_start_with_settings_that_are_not_right(#[case] arguments: &[&str], #[case] says: &str) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut all = vec!["probe", "--target", "http://127.0.0.1:1"];
    all.extend(arguments.iter().map(|argument| if *argument == "TAKEN" { &*address } else { argument }));
    let output = inference(&all);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}
