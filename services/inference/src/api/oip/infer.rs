//! The infer call: tensors in, the label tensor out, as JSON or as bytes behind the JSON.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Asked;
use super::tensor::{BinaryData, InferenceRequest, InferenceResponse, OutputTensor};
use crate::api::predict::classify;
use crate::api::problem::ApiError;
use crate::api::rows::RowShape;
use crate::api::{Api, body};
use crate::model::Classifier;
use crate::telemetry::events::{self, Phase};

/// How many bytes of the body are JSON; the rest are tensors (Triton's binary tensor data extension).
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Predicts the class of each row of the input tensor.
#[utoipa::path(
    post,
    path = "/v2/models/{model}/infer",
    tag = "prediction",
    operation_id = "infer",
    params(("model" = String, Path, description = "The model's name", example = "flights")),
    request_body = InferenceRequest,
    responses(
        (status = 200, description = "The label of each row", body = InferenceResponse),
        crate::api::openapi::BodyRefusals,
        crate::api::openapi::ModelRefusals,
    ),
    security(("bearer" = []))
)]
pub(in crate::api) async fn infer(
    State(api): State<Arc<Api>>,
    Path(asked): Path<Asked>,
    request: Request,
) -> Result<Response, ApiError> {
    let model = api.model.current().clone();
    asked.check(&model)?;
    let (head, body) = request.into_parts();
    let accepted = [None, Some("application/json"), Some("application/octet-stream")];
    body::check_media_type(&head.headers, &accepted, "application/json or application/octet-stream")?;
    let body = body::read(body, api.limits).await?;

    let started = Instant::now();
    let (json, binary) = split(&head.headers, &body)?;
    let request = InferenceRequest::parse(json)?;
    let metadata = model.metadata();
    let binary_output = wants_binary(&request, &metadata.label)?;
    let shape = RowShape { features: metadata.features, max_rows: api.batch_rows };
    let rows = request.rows(&metadata.input, shape, binary)?;
    events::PhaseTimed { phase: Phase::Decode, took: started.elapsed() }.emit();

    let classes = classify(&model, &rows)?;
    answer(&model, request.id, classes, binary_output)
}

fn split<'a>(headers: &HeaderMap, body: &'a Bytes) -> Result<(&'a [u8], &'a [u8]), ApiError> {
    let Some(length) = headers.get(JSON_LENGTH) else {
        return Ok((body, &[]));
    };
    let length = length.to_str().ok().and_then(|length| length.parse::<usize>().ok());
    length.and_then(|length| body.split_at_checked(length)).ok_or_else(|| ApiError::InvalidTensor {
        at: format!("header {JSON_LENGTH}"),
        reason: format!("expected a number of bytes within the body's {}", body.len()),
    })
}

/// Whether the label is wanted as bytes; refuses other outputs.
fn wants_binary(request: &InferenceRequest, label: &str) -> Result<bool, ApiError> {
    let mut binary = request.parameters.binary_data_output;
    for (index, output) in request.outputs.iter().enumerate() {
        if output.name != label {
            return Err(ApiError::InvalidTensor {
                at: format!("outputs[{index}].name"),
                reason: format!("`{}`; expected `{label}`, the only output that is computed", output.name),
            });
        }
        binary = output.parameters.binary_data.unwrap_or(binary);
    }
    Ok(binary)
}

fn answer(
    model: &Classifier,
    id: Option<String>,
    classes: Vec<i64>,
    binary: bool,
) -> Result<Response, ApiError> {
    let bytes: Vec<u8> =
        if binary { classes.iter().flat_map(|class| class.to_le_bytes()).collect() } else { vec![] };
    let label = OutputTensor {
        name: model.metadata().label.clone(),
        shape: vec![classes.len()],
        datatype: "INT64",
        parameters: binary.then_some(BinaryData { binary_data_size: bytes.len() }),
        data: (!binary).then_some(classes),
    };
    let response = InferenceResponse {
        model_name: model.metadata().name.clone(),
        model_version: model.version().to_owned(),
        id,
        outputs: vec![label],
    };
    let mut body =
        serde_json::to_vec(&response).map_err(|error| ApiError::Internal { reason: error.to_string() })?;
    if !binary {
        return Ok(([(header::CONTENT_TYPE, JSON)], body).into_response());
    }
    let json_length = HeaderValue::from(body.len());
    body.extend(bytes);
    Ok(([(header::CONTENT_TYPE, BYTES), (JSON_LENGTH, json_length)], body).into_response())
}
