//! Whatever a client sends, it gets an answer that says what was wrong, and never a 500.

use std::time::Duration;

use crate::service::{SOON, Service, one_row};
use rstest::rstest;
use serde_json::{Value, json};

/// `{"array":[…]}` with this many zeros, the third of them replaced.
fn row(length: usize, third: &str) -> String {
    let mut numbers = vec!["0"; length];
    numbers[2] = third;
    format!(r#"{{"array":[{}]}}"#, numbers.join(","))
}

fn row_of(length: usize) -> Value {
    json!(vec![0; length])
}

fn nested(depth: usize) -> String {
    format!(r#"{{"array":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
}

#[rstest]
#[case::empty_body(String::new(), 400, "malformed-json", "EOF")]
#[case::broken_json(r#"{"array":[1,"#.into(), 400, "malformed-json", "line 1 column 12")]
#[case::trailing_bytes(format!("{}x", one_row()), 400, "malformed-json", "trailing")]
#[case::a_second_document(format!("{}{{}}", one_row()), 400, "malformed-json", "trailing")]
#[case::not_utf8_name("{\"\u{fffd}\":1}".into(), 422, "missing-field", "array")]
#[case::not_an_object("[1,2]".into(), 422, "wrong-type", "expected an object")]
#[case::not_a_list(r#"{"array":"1,2"}"#.into(), 422, "wrong-type", "expected an array")]
#[case::a_string(row(37, r#""1""#), 422, "wrong-type", "array[2]: found a string; expected a number")]
#[case::a_boolean(row(37, "true"), 422, "wrong-type", "array[2]: found true")]
#[case::null(row(37, "null"), 422, "wrong-type", "array[2]: found null")]
#[case::an_object(row(37, "{}"), 422, "wrong-type", "array[2]: found an object")]
#[case::a_row_among_numbers(row(37, "[1]"), 422, "wrong-type", "array[2]: found an array; expected a number")]
#[case::a_number_among_rows(
    format!(r#"{{"array":[{},3]}}"#, row_of(37)), 422, "wrong-type", "array[1]: found a number; expected a row"
)]
#[case::too_short(row(36, "0"), 422, "wrong-length", "array: expected 37 numbers, got 36")]
#[case::too_long(row(38, "0"), 422, "wrong-length", "array: expected 37 numbers, got 38")]
#[case::far_too_long(row(9999, "0"), 422, "wrong-length", "got 9999")]
#[case::ragged_batch(
    json!({"array": [row_of(37), row_of(36)]}).to_string(), 422, "wrong-length",
    "array[1]: expected 37 numbers, got 36"
)]
#[case::empty_batch(r#"{"array":[]}"#.into(), 422, "empty-batch", "at least one row")]
#[case::an_empty_row(r#"{"array":[[]]}"#.into(), 422, "wrong-length", "array[0]: expected 37 numbers, got 0")]
#[case::batch_over_the_bound(
    json!({"array": vec![row_of(37); 1025]}).to_string(), 413, "batch-too-large", "1025 rows; expected at most 1024"
)]
#[case::the_challenges_own_field(
    one_row().to_string().replace("array", "testarray"), 422, "missing-field",
    "the field `array` is missing; sent were `testarray`"
)]
#[case::no_field("{}".into(), 422, "missing-field", "no field was sent")]
#[case::one_field_too_many(
    one_row().to_string().replace('}', r#","extra":1}"#), 422, "unknown-field", "`extra` is not known"
)]
#[case::the_field_twice(
    one_row().to_string().replace('}', r#","array":[]}"#), 422, "wrong-type", "array: the field is there twice"
)]
#[case::nan(row(37, "NaN"), 400, "malformed-json", "line 1")]
#[case::infinity(row(37, "Infinity"), 400, "malformed-json", "line 1")]
#[case::beyond_f64(row(37, "1e999"), 422, "number-out-of-range", "expected a number of at most")]
#[case::beyond_f32(row(37, "1e39"), 422, "number-out-of-range", "array[2]")]
#[case::beyond_f32_downwards(row(37, "-1e39"), 422, "number-out-of-range", "array[2]")]
#[case::deep_nesting_in_the_field(nested(100_000), 422, "wrong-type", "array[0][0]: found an array")]
#[case::deep_nesting_beside_it(nested(100_000).replace("array", "x"), 422, "missing-field", "sent were `x`")]
#[tokio::test]
async fn the_body_is_refused(
    #[case] body: String,
    #[case] status: u16,
    #[case] code: &str,
    #[case] says: &str,
) {
    let service = Service::start().await;
    let detail = service.post("/api", body).await.is_problem(status, code);
    assert!(detail.contains(says), "{detail}");
}

#[tokio::test]
async fn the_largest_and_the_smallest_float_are_answered() {
    let service = Service::start().await;
    for number in ["3.4028235e38", "-3.4028235e38", "1e-60", "-0.0", "12345678901234567890123"] {
        assert_eq!(service.post("/api", row(37, number)).await.status(), "200", "{number}");
    }
}

#[rstest]
#[case::a_form("application/x-www-form-urlencoded")]
#[case::text("text/plain; charset=utf-8")]
#[case::nearly_json("application/jsonx")]
#[tokio::test]
async fn another_content_type_is_refused(#[case] content_type: &str) {
    let service = Service::start().await;
    let body = one_row().to_string();
    let head = service.head("/api", body.len()).replace("application/json", content_type);
    let answer = service.connect().await.ask(format!("{head}\r\n{body}")).await;
    assert!(answer.is_problem(415, "unsupported-media-type").contains("expected application/json"));
}

#[rstest]
#[case::with_a_parameter("content-type: application/json; charset=utf-8\r\n", "200")]
#[case::in_capitals("content-type: APPLICATION/JSON\r\n", "200")]
#[case::missing("", "415")]
#[case::compressed("content-type: application/json\r\ncontent-encoding: gzip\r\n", "415")]
#[tokio::test]
async fn the_content_type_is_read_as_the_standard_says(#[case] line: &str, #[case] status: &str) {
    let service = Service::start().await;
    let body = one_row().to_string();
    let head = service.head("/api", body.len()).replace("content-type: application/json\r\n", line);
    assert_eq!(service.connect().await.ask(format!("{head}\r\n{body}")).await.status(), status);
}

#[rstest]
#[case::api("GET", "/api", "POST")]
#[case::api_options("OPTIONS", "/api", "POST")]
#[case::unheard_of("BREW", "/api", "POST")]
#[case::openapi("DELETE", "/openapi.json", "GET,HEAD")]
#[case::infer("PUT", "/v2/models/flights/infer", "POST")]
#[tokio::test]
async fn another_method_is_refused(#[case] method: &str, #[case] path: &str, #[case] allowed: &str) {
    let service = Service::start().await;
    let head = service.head(path, 0).replace("POST", method);
    let answer = service.connect().await.ask(format!("{head}\r\n")).await;
    assert!(answer.is_problem(405, "method-not-allowed").contains(method));
    assert!(answer.head.contains(&format!("allow: {allowed}\r\n")), "{answer:?}");
}

#[tokio::test]
async fn an_unknown_path_is_refused() {
    Service::start().await.post("/api/", "{}").await.is_problem(404, "not-found");
}

#[tokio::test]
async fn a_header_block_over_the_limit_is_refused() {
    let service = Service::start().await;
    let limit = service.config.listen.header_bytes;
    let request = |padding: usize| {
        let body = one_row().to_string();
        format!("{}x-padding: {}\r\n\r\n{body}", service.head("/api", body.len()), "x".repeat(padding))
    };
    assert_eq!(service.connect().await.ask(request(limit / 2)).await.status(), "200");
    let detail = service.connect().await.ask(request(limit)).await.is_problem(431, "headers-too-large");
    assert!(detail.contains(&limit.to_string()), "{detail}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let service = Service::start().await;
    let limit = service.config.api.body_bytes;
    let head = service.head("/api", limit + 1);
    let answer = service.connect().await.ask(format!("{head}\r\n")).await;
    assert!(answer.is_problem(413, "body-too-large").contains(&limit.to_string()));
    assert!(answer.is_last(), "{answer:?}");
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_is_refused_at_the_limit() {
    let service = Service::start_with(|config| config.api.body_bytes = 100).await;
    let head = service.head("/api", 0).replace("content-length: 0", "transfer-encoding: chunked");
    let chunk = format!("60\r\n{}\r\n", " ".repeat(0x60));
    let answer = service.connect().await.ask(format!("{head}\r\n{chunk}{chunk}")).await;
    answer.is_problem(413, "body-too-large");
}

#[tokio::test]
async fn a_chunked_body_is_answered() {
    let service = Service::start().await;
    let body = one_row().to_string();
    let head = service.head("/api", 0).replace("content-length: 0", "transfer-encoding: chunked");
    let (first, second) = body.split_at(20);
    let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    assert_eq!(service.connect().await.ask(format!("{head}\r\n{chunks}")).await.status(), "200");
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_in_time() {
    let service = Service::start_with(|config| config.api.body_timeout = SOON).await;
    let mut wire = service.connect().await;
    let answer = wire.ask(format!("{}\r\n{{\"array\":", service.head("/api", 1000))).await;
    answer.is_problem(408, "body-timeout");
    assert!(answer.is_last());
    assert_eq!(wire.closed().await, b"");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_its_place() {
    let service = Service::start_with(|config| config.admission.in_flight = 1).await;
    let mut gone = service.connect().await;
    gone.send(format!("{}expect: 100-continue\r\n\r\n", service.head("/api", 1000))).await;
    // Said once the body is waited for: the place is taken.
    assert_eq!(gone.answer().await.status(), "100");
    gone.send("{\"array\":").await;
    service.post("/api", one_row().to_string()).await.is_problem(503, "overloaded");
    drop(gone);
    while service.post("/api", one_row().to_string()).await.status() == "503" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_house_is_answered_503_and_when_to_come_back() {
    let service = Service::start_with(|config| {
        config.admission.in_flight = 1;
        config.api.body_timeout = Duration::from_secs(3600);
    })
    .await;
    let mut first = service.connect().await;
    let body = one_row().to_string();
    first.send(format!("{}expect: 100-continue\r\n\r\n", service.head("/api", body.len()))).await;
    assert_eq!(first.answer().await.status(), "100");
    let refused = service.post("/api", &body).await;
    refused.is_problem(503, "overloaded");
    assert!(refused.head.contains("retry-after: 1\r\n"), "{refused:?}");
    assert_eq!(first.ask(body).await.status(), "200");
}

#[tokio::test]
async fn http_1_0_is_answered() {
    let service = Service::start().await;
    let body = one_row().to_string();
    let head = service.head("/api", body.len()).replace("HTTP/1.1", "HTTP/1.0");
    let mut wire = service.connect().await;
    let answer = wire.ask(format!("{head}\r\n{body}")).await;
    assert_eq!((answer.status(), answer.body.as_str()), ("200", r#"{"predicciones":[1]}"#));
    assert_eq!(wire.closed().await, b"");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let service = Service::start().await;
    let (good, bad) = (one_row().to_string(), "{}");
    let request = |body: &str| format!("{}\r\n{body}", service.head("/api", body.len()));
    let mut wire = service.connect().await;
    wire.send([request(&good), request(bad), request(&good)].concat()).await;
    for status in ["200", "422", "200"] {
        assert_eq!(wire.answer().await.status(), status);
    }
}
