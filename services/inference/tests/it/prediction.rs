//! What the service is for: rows in, classes out, by every protocol.

use crate::service::{Service, one_row};
use inference::model::{GoldenAnswers, GoldenRow};
use rstest::rstest;
use serde_json::{Value, json};

fn golden() -> Vec<GoldenRow> {
    let json = include_bytes!("../../model/golden.json");
    GoldenAnswers::from_json("golden.json", json).unwrap().rows().to_vec()
}

#[tokio::test]
async fn one_row_is_answered_as_in_the_brief() {
    let service = Service::start().await;
    let answer = service.post("/api", one_row().to_string()).await;
    assert_eq!((answer.status(), answer.body.as_str()), ("200", r#"{"predicciones":[1]}"#));
    assert!(answer.head.contains("content-type: application/json\r\n"), "{answer:?}");
}

#[tokio::test]
async fn every_golden_row_is_answered_alone_and_in_one_batch() {
    let service = Service::start().await;
    let golden = golden();
    assert_eq!(golden.len(), 552);
    let mut wire = service.connect().await;
    for GoldenRow { array, class } in &golden {
        let body = json!({ "array": array }).to_string();
        let answer = wire.ask(format!("{}\r\n{body}", service.head("/api", body.len()))).await;
        assert_eq!(answer.json(), json!({ "predicciones": [class] }), "{array:?}");
    }
    let batch: Vec<_> = golden.iter().map(|row| &row.array).collect();
    let classes: Vec<_> = golden.iter().map(|row| row.class).collect();
    let answer = service.post("/api", json!({ "array": batch }).to_string()).await;
    assert_eq!(answer.json(), json!({ "predicciones": classes }));
}

/// An inference request for these rows, in the nesting that is asked for.
fn tensor(rows: &[GoldenRow], nested: bool) -> Value {
    let flat: Vec<f32> = rows.iter().flat_map(|row| row.array.clone()).collect();
    let data =
        if nested { json!(rows.iter().map(|row| &row.array).collect::<Vec<_>>()) } else { json!(flat) };
    json!({"id": "7", "inputs": [{"name": "float_input", "shape": [rows.len(), 37], "datatype": "FP32", "data": data}]})
}

#[rstest]
#[case::flat(false)]
#[case::nested(true)]
#[tokio::test]
async fn the_open_inference_protocol_answers_the_same(#[case] nested: bool) {
    let service = Service::start().await;
    let rows = &golden()[..20];
    let answer = service.post("/v2/models/flights/infer", tensor(rows, nested).to_string()).await.json();
    let classes: Vec<i64> = rows.iter().map(|row| row.class).collect();
    assert_eq!(answer["id"], "7");
    assert_eq!(
        answer["outputs"],
        json!([{"name": "label", "shape": [20], "datatype": "INT64", "data": classes}])
    );
    let version = answer["model_version"].as_str().unwrap();
    let path = format!("/v2/models/flights/versions/{version}/infer");
    assert_eq!(service.post(&path, tensor(rows, nested).to_string()).await.json(), answer);
}

#[tokio::test]
async fn tensors_may_come_and_go_as_bytes() {
    let service = Service::start().await;
    let rows = &golden()[..3];
    let mut request = tensor(rows, false);
    request["parameters"] = json!({"binary_data_output": true});
    request["inputs"][0].as_object_mut().unwrap().remove("data");
    request["inputs"][0]["parameters"] = json!({"binary_data_size": 3 * 37 * 4});
    let json_part = request.to_string();
    let bytes: Vec<u8> =
        rows.iter().flat_map(|row| &row.array).flat_map(|value| value.to_le_bytes()).collect();
    let head = service.head("/v2/models/flights/infer", json_part.len() + bytes.len());
    let head = head.replace("application/json", "application/octet-stream");
    let head = format!("{head}inference-header-content-length: {}\r\n\r\n{json_part}", json_part.len());
    let mut wire = service.connect().await;
    wire.send([head.as_bytes(), &bytes].concat()).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status(), "200", "{answer:?}");
    let line = answer.head.lines().find_map(|line| line.strip_prefix("inference-header-content-length: "));
    let (json_part, binary) = answer.body.split_at(line.unwrap().parse().unwrap());
    let output = &serde_json::from_str::<Value>(json_part).unwrap()["outputs"][0];
    assert_eq!(output["parameters"]["binary_data_size"], 24);
    let classes: Vec<i64> =
        binary.as_bytes().chunks(8).map(|word| i64::from_le_bytes(word.try_into().unwrap())).collect();
    assert_eq!(classes, rows.iter().map(|row| row.class).collect::<Vec<_>>());
}

type Change = fn(&mut Value);

#[rstest]
#[case::name(|r: &mut Value| r["inputs"][0]["name"] = json!("x"), 422, "invalid-tensor", "`x`; expected `float_input`")]
#[case::datatype(|r: &mut Value| r["inputs"][0]["datatype"] = json!("FP64"), 422, "invalid-tensor", "expected `FP32`")]
#[case::shape(|r: &mut Value| r["inputs"][0]["shape"] = json!([1, 36]), 422, "invalid-tensor", "expected [rows, 37]")]
#[case::shape_beyond_the_data(|r: &mut Value| r["inputs"][0]["shape"] = json!([2, 37]), 422, "invalid-tensor", "37 numbers")]
#[case::no_rows(|r: &mut Value| r["inputs"][0]["shape"] = json!([0, 37]), 422, "empty-batch", "at least one")]
#[case::too_many_rows(|r: &mut Value| r["inputs"][0]["shape"] = json!([u64::MAX, 37]), 413, "batch-too-large", "at most 1024")]
#[case::no_data(|r: &mut Value| r["inputs"][0]["data"] = Value::Null, 422, "invalid-tensor", "no `data`")]
#[case::out_of_range(|r: &mut Value| r["inputs"][0]["data"][2] = json!(1e39), 422, "number-out-of-range", "data[2]")]
#[case::text(|r: &mut Value| r["inputs"][0]["data"][2] = json!("1"), 422, "wrong-type", "a number or a row")]
#[case::no_input(|r: &mut Value| r["inputs"] = json!([]), 422, "invalid-tensor", "0 tensors")]
#[case::another_output(|r: &mut Value| r["outputs"] = json!([{"name": "probabilities"}]), 422, "invalid-tensor", "`label`")]
#[case::bytes_that_did_not_come(
    |r: &mut Value| r["inputs"][0] = json!({"name": "float_input", "shape": [1, 37], "datatype": "FP32",
                                "parameters": {"binary_data_size": 148}}),
    422, "invalid-tensor", "0 bytes follow the JSON"
)]
#[tokio::test]
async fn a_tensor_that_does_not_fit_is_refused(
    #[case] change: Change,
    #[case] status: u16,
    #[case] code: &str,
    #[case] says: &str,
) {
    let service = Service::start().await;
    let mut request = tensor(&golden()[..1], false);
    change(&mut request);
    let detail = service.post("/v2/models/flights/infer", request.to_string()).await.is_problem(status, code);
    assert!(detail.contains(says), "{detail}");
}

#[rstest]
#[case::model("/v2/models/trains/infer")]
#[case::version("/v2/models/flights/versions/9/infer")]
#[tokio::test]
async fn another_model_is_not_found(#[case] path: &str) {
    let service = Service::start().await;
    let detail = service.post(path, "{}").await.is_problem(404, "unknown-model");
    assert!(detail.contains("the model served is `flights`"), "{detail}");
}

#[tokio::test]
async fn the_metadata_comes_from_the_model() {
    let service = Service::start().await;
    let model = service.get("/v2/models/flights").await.json();
    assert_eq!(model["inputs"], json!([{"name": "float_input", "datatype": "FP32", "shape": [-1, 37]}]));
    assert_eq!(model["outputs"], json!([{"name": "label", "datatype": "INT64", "shape": [-1]}]));
    assert_eq!(model["parameters"]["feature_names"][21], "OPERA_Sky Airline");
    assert_eq!(service.get("/v2").await.json()["extensions"], json!(["binary_tensor_data"]));
    for path in ["/v2/models/flights/ready", "/v2/health/ready"] {
        assert_eq!(service.get(path).await.json(), json!({"ready": true}));
    }
}
