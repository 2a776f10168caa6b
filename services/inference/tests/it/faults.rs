//! Faults on request: what they spoil, how often, and how it is counted.

use rstest::rstest;
use serde_json::{Value, json};

use crate::probing::Prober;
use crate::running::Running;
use crate::service::one_row;
use crate::wire::{Answer, Wire};

const INFER: &str = "/v2/models/flights/infer";

struct Faulty {
    service: Running,
    api: Wire,
}

impl Faulty {
    async fn start(fault: Value) -> Self {
        let service = Running::start(&[]).await;
        let api = service.connect().await;
        let faulty = Self { service, api };
        let answer = faulty.ask_for(&fault).await;
        assert_eq!(answer.status(), "204", "{answer:?}");
        faulty
    }

    async fn ask_for(&self, fault: &Value) -> Answer {
        let mut wire = Wire::connect(self.service.admin).await.unwrap();
        send(&mut wire, "PUT /fault", "", fault).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let bears = format!("authorization: Bearer {}\r\n", self.service.token);
        send(&mut self.api, &format!("POST {path}"), &bears, body).await
    }

    /// The statuses of so many requests, one after the other.
    async fn statuses(&mut self, count: usize) -> Vec<String> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(self.post("/api", &one_row()).await.status().to_owned());
        }
        statuses
    }
}

async fn send(wire: &mut Wire, request: &str, headers: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: test\r\n{headers}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    wire.ask(head + &body).await
}

fn tensor() -> Value {
    json!({"inputs": [{
        "name": "float_input", "shape": [1, 37], "datatype": "FP32", "data": one_row()["array"],
    }]})
}

fn classes(answer: &Answer) -> Value {
    let body = answer.json();
    body.get("predicciones").unwrap_or_else(|| &body["outputs"][0]["data"]).clone()
}

fn series(status: u16, source: &str, rest: &str) -> String {
    format!(
        "http_server_request_duration_seconds_{rest}http_route=\"/api\",http_request_method=\"POST\",\
         http_response_status_code=\"{status}\",error_source=\"{source}\""
    )
}

#[tokio::test]
async fn every_tenth_answer_fails_and_is_counted_as_ours() {
    let mut faulty = Faulty::start(json!({"fail": 0.1})).await;
    let statuses = faulty.statuses(20).await;
    let failed: Vec<usize> = (0..20).filter(|at| statuses[*at] != "200").collect();
    assert_eq!(failed, [9, 19]);
    faulty.post("/api", &one_row()).await.json();
    faulty.service.counts(&format!("{}}}", series(500, "server", "count{")), 2).await;
    faulty.service.counts(&format!("{}}}", series(200, "", "count{")), 19).await;
}

#[rstest]
#[case::of_the_services_own_call("/api", one_row())]
#[case::of_the_open_inference_protocol(INFER, tensor())]
#[tokio::test]
async fn every_other_answer_is_wrong_and_looks_right(#[case] path: &str, #[case] body: Value) {
    let mut faulty = Faulty::start(json!({})).await;
    let right = classes(&faulty.post(path, &body).await);
    faulty.ask_for(&json!({"wrong": 0.5})).await;
    for _ in 0..3 {
        assert_eq!(classes(&faulty.post(path, &body).await), right);
        let wrong = classes(&faulty.post(path, &body).await);
        assert_ne!(wrong, right);
        assert!(wrong == json!([0]) || wrong == json!([1]), "{wrong}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_slow_where_it_is_counted() {
    let mut faulty = Faulty::start(json!({"slow": 0.5, "slow_seconds": 0.3})).await;
    faulty.post("/api", &one_row()).await.json();
    faulty.post("/api", &one_row()).await.json();
    faulty.service.counts(&format!("{},le=\"+Inf\"}}", series(200, "", "bucket{")), 2).await;
    let page = faulty.service.probe("/metrics").await.body;
    let fast = format!("{},le=\"0.25\"}} ", series(200, "", "bucket{"));
    let fast = page.lines().find_map(|line| line.strip_prefix(&fast)).unwrap();
    assert!(fast == "1" || fast == "0", "at most the one that was not slowed: {fast}");
}

#[tokio::test]
async fn routes_that_take_turns_each_get_their_share() {
    let mut faulty = Faulty::start(json!({"fail": 0.5})).await;
    for status in ["200", "500", "200", "500"] {
        assert_eq!(faulty.post("/api", &one_row()).await.status(), status);
        assert_eq!(faulty.post(INFER, &tensor()).await.status(), status);
    }
}

#[tokio::test]
async fn what_fails_is_not_among_what_is_wrong() {
    let mut faulty = Faulty::start(json!({})).await;
    let right = classes(&faulty.post("/api", &one_row()).await);
    faulty.ask_for(&json!({"fail": 0.5, "wrong": 0.5})).await;
    let mut seen = Vec::new();
    for _ in 0..8 {
        let answer = faulty.post("/api", &one_row()).await;
        seen.push(match answer.status() {
            "500" => "failed",
            _ if classes(&answer) == right => "right",
            _ => "wrong",
        });
    }
    assert_eq!(seen, ["right", "failed", "wrong", "failed", "right", "failed", "wrong", "failed"]);
}

#[tokio::test]
async fn nothing_is_spoilt_that_would_not_have_been_answered_well() {
    let mut faulty = Faulty::start(json!({"fail": 1.0, "wrong": 1.0})).await;
    let answer = faulty.post("/api", &json!({"array": [1]})).await;
    assert_eq!(answer.status(), "422");
    let token = std::mem::replace(&mut faulty.service.token, "nobody".to_owned());
    assert_eq!(faulty.post("/api", &one_row()).await.status(), "401");
    faulty.service.token = token;
    let mut wire = faulty.service.connect().await;
    assert_eq!(send(&mut wire, "GET /v2/health/ready", "", &json!({})).await.status(), "200");
    assert_eq!(faulty.service.probe("/readyz").await.status(), "200");
    assert_eq!(faulty.statuses(1).await, ["500"]);
}

#[tokio::test]
async fn a_new_fault_replaces_the_one_before_and_none_ends_it() {
    let mut faulty = Faulty::start(json!({"fail": 1.0})).await;
    assert_eq!(faulty.statuses(2).await, ["500", "500"]);
    faulty.ask_for(&json!({"fail": 0.5})).await;
    assert_eq!(faulty.statuses(2).await, ["200", "500"], "it begins anew");
    faulty.ask_for(&json!({})).await;
    assert_eq!(faulty.statuses(2).await, ["200", "200"]);
}

#[rstest]
#[case::more_than_all(json!({"fail": 1.1}), "expected a share from 0 to 1")]
#[case::less_than_none(json!({"wrong": -0.1}), "expected a share from 0 to 1")]
#[case::back_in_time(json!({"slow_seconds": -1}), "negative")]
#[case::unknown(json!({"break": 1}), "unknown field `break`")]
#[tokio::test]
async fn a_fault_that_cannot_be_is_refused_and_changes_nothing(#[case] fault: Value, #[case] says: &str) {
    let mut faulty = Faulty::start(json!({"fail": 1.0})).await;
    let answer = faulty.ask_for(&fault).await;
    assert_eq!(answer.status(), "422");
    assert!(answer.body.contains(says), "{answer:?}");
    assert_eq!(faulty.statuses(1).await, ["500"]);
}

#[tokio::test]
async fn the_prober_sees_what_the_service_cannot_count() {
    let faulty = Faulty::start(json!({"wrong": 0.25, "fail": 0.25})).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, &faulty.service.token).unwrap();
    let arguments = ["--token-file", file.to_str().unwrap()];
    let prober = Prober::start(&format!("http://{}", faulty.service.api), &arguments).await;
    prober.found("right", 2).await;
    prober.found("wrong", 2).await;
    prober.found("failed", 2).await;
}
