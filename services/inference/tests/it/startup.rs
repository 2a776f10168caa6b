//! The binary itself: what it prints, what it refuses to start with, what its other commands answer.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use rstest::rstest;

use crate::running::Running;

/// What the binary answers to these arguments. A service that starts although it must not ends with a file that it cannot
/// write, so that the test fails rather than waits.
pub(crate) fn inference(arguments: &[&str]) -> Output {
    command(arguments).env("INFERENCE_READY_FILE", "/nowhere/ready.json").output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inference"));
    command
        .args(arguments)
        .env("INFERENCE_LISTEN", "127.0.0.1:0")
        .env("INFERENCE_ADMIN_LISTEN", "127.0.0.1:0");
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[rstest]
#[case::exposed(&["--listen", "0.0.0.0:0"], "--listen 0.0.0.0:0 is not a loopback address")]
#[case::exposed_probes(&["--admin-listen", "[::]:0"], "--admin-listen [::]:0 is not a loopback address")]
#[case::production_without_a_key(&["--mode", "production"], "needs --jwks, --jwt-public-key or --jwt-secret")]
#[case::development_with_a_key(&["--jwks", "keys.json"], "--jwks keys.json is for --mode production")]
#[case::keys_that_anybody_may_replace(
    &["--jwks", "http://id.example.com/jwks"], "expected https://; http:// is for loopback hosts only"
)]
#[case::authorities_without_an_address(&["--jwks-ca", "ca.pem"], "--jwks <FILE-or-URL>")]
#[case::no_authorities(
    &["--mode", "production", "--jwks", "https://id.example.com/jwks", "--jwks-ca", "Cargo.toml"],
    "--jwks https://id.example.com/jwks: --jwks-ca Cargo.toml: no certificate in it; expected PEM"
)]
#[case::keys_that_grow_too_old(&["--jwks-max-age", "5min"], "--jwks-max-age 300s is not longer than --jwks-refresh 300s")]
#[case::keys_from_two_places(&["--jwks", "keys.json", "--jwt-secret", "secret"], "cannot be used with")]
#[case::a_secret_that_can_be_guessed(
    &["--mode", "production", "--jwt-secret", "/dev/null"], "--jwt-secret /dev/null: the secret has 0 bytes; expected at least 32"
)]
#[case::no_key_file(
    &["--mode", "production", "--jwt-public-key", "/nowhere/key.pem"], "--jwt-public-key /nowhere/key.pem: cannot be read"
)]
#[case::no_key_in_the_file(
    &["--mode", "production", "--jwt-public-key", "Cargo.toml"], "--jwt-public-key Cargo.toml: not a public key"
)]
#[case::no_model(&["--model", "/nowhere/model.onnx"], "the model is refused: /nowhere/model.onnx: cannot be read")]
#[case::no_size(&["--body-bytes", "many"], "is not a size; expected bytes")]
#[case::no_pause_between_looks_at_tls(&["--tls-poll", "0s"], "'--tls-poll <DURATION>': expected some time, such as 5s")]
#[case::no_pause_between_looks_at_keys(&["--keys-poll", "0s"], "'--keys-poll <DURATION>': expected some time")]
#[case::no_pause_between_looks_at_the_model(&["--model-poll", "0s"], "'--model-poll <DURATION>': expected some time")]
#[case::no_pause_between_fetches(&["--jwks-refresh", "0s"], "'--jwks-refresh <DURATION>': expected some time")]
#[case::no_patience_with_the_issuer(&["--jwks-timeout", "0s"], "'--jwks-timeout <DURATION>': expected some time")]
#[case::no_patience_with_a_handshake(&["--tls-handshake-timeout", "0s"], "expected some time")]
#[case::no_patience_with_a_body(&["--body-timeout", "0s"], "expected some time")]
#[case::no_patience_with_a_head(&["--header-timeout", "0s"], "expected some time")]
#[case::no_patience_with_silence(&["--idle-timeout", "0s"], "expected some time")]
#[case::no_patience_with_a_reader(&["--write-timeout", "0s"], "expected some time")]
#[case::no_pause_between_pings(&["--http2-ping-interval", "0s"], "expected some time")]
#[case::no_port_left(&["--listen", "127.0.0.1:1", "--drain-grace", "soon"], "--drain-grace")]
#[test]
fn does_not_start_and_says_why(#[case] arguments: &[&str], #[case] says: &str) {
    let output = inference(arguments);
    assert!(!output.status.success());
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}

#[test]
fn ends_well_when_it_is_told_to_while_it_waits_for_keys() {
    let mut service =
        command(&["--mode", "production", "--jwks", "http://127.0.0.1:1/jwks", "--drain-grace", "0s"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("keys refused") && line.contains("cannot be fetched")));
    let told = Command::new("kill").arg(service.id().to_string()).status().unwrap();
    assert!(told.success());
    let rest: Vec<String> = lines.collect();
    assert!(service.wait().unwrap().success(), "{rest:?}");
}

/// On a disk that is full, say: who then wrote of it to the same place would panic.
#[tokio::test]
async fn who_cannot_write_its_log_answers_nevertheless() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let service = Running::start_logging_to(full.into(), &["--log-filter", "trace"]).await;
    let ask = format!("GET /v2 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\r\n", service.token);
    let mut wire = service.connect().await;
    for _ in 0..3 {
        assert_eq!(wire.ask(&ask).await.status(), "200");
    }
}

#[test]
fn nobody_reading_on_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(&["metrics"]).stdout(writer).output().unwrap();
    assert_eq!(stderr(&output), "");
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn prints_the_body_for_a_flight_in_words() {
    let output = inference(&["row", "--airline", "sky airline", "--type", "I", "--month", "7"]);
    let body: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let set: Vec<usize> = (0..37).filter(|feature| body["array"][feature] == 1).collect();
    assert_eq!(set, [21, 23, 31]);
}

#[rstest]
#[case::airline("Nobody Air", "I", "7", "expected one of: Aerolineas Argentinas, Aeromexico")]
#[case::flight_type("Copa Air", "X", "7", "expected one of: I, N")]
#[case::month("Copa Air", "N", "13", "expected one of: 1, 2, 3")]
#[test]
fn says_which_words_it_knows(
    #[case] airline: &str,
    #[case] kind: &str,
    #[case] month: &str,
    #[case] says: &str,
) {
    let output = inference(&["row", "--airline", airline, "--type", kind, "--month", month]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}

#[test]
fn prints_the_description_that_is_committed() {
    let output = inference(&["openapi"]);
    assert!(output.stdout == include_bytes!("../../openapi.json"));
}

#[test]
fn says_what_tract_answers_to_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    let line = ["1"; 37].join(",");
    std::fs::write(&rows, format!("{line}\n{line}\n")).unwrap();
    let output = inference(&["evaluate", "--model", "model/flights.onnx", "--rows", rows.to_str().unwrap()]);
    let lines: Vec<serde_json::Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    assert_eq!(lines.len(), 2, "{}", stderr(&output));
    let scores = lines[0]["scores"].as_array().unwrap();
    let sum: f64 = scores.iter().map(|score| score.as_f64().unwrap()).sum();
    assert!(scores.len() == 2 && (sum - 1.0).abs() < 1e-6, "{lines:?}");

    std::fs::write(&rows, "1,2\n").unwrap();
    let output = inference(&["evaluate", "--model", "model/flights.onnx", "--rows", rows.to_str().unwrap()]);
    assert!(stderr(&output).contains("rows.csv:1: 2 numbers; expected 37"), "{}", stderr(&output));
}
