//! Health and metadata of server and model.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use super::Asked;
use crate::api::Api;
use crate::api::problem::ApiError;

/// Whether the server runs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Live {
    live: bool,
}

/// Whether server or model takes requests.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Ready {
    ready: bool,
}

/// The server and what it supports beyond the protocol.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    extensions: &'static [&'static str],
}

/// A tensor's name, type and shape.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct TensorMetadata {
    name: String,
    #[schema(example = "FP32")]
    datatype: &'static str,
    /// -1 is a dimension of any size.
    #[schema(example = json!([-1, 37]))]
    shape: Vec<i64>,
}

/// The model and its tensors.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct ModelMetadata {
    name: String,
    versions: Vec<String>,
    #[schema(example = "onnx_tract")]
    platform: &'static str,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
    parameters: ModelParameters,
}

/// What puntual says of a model beyond the protocol.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct ModelParameters {
    /// Of the ONNX file.
    sha256: String,
    /// In the order of a row.
    feature_names: Vec<String>,
}

/// Says whether the server runs.
#[utoipa::path(get, path = "/v2/health/live", tag = "health", operation_id = "server_live",
    responses((status = 200, description = "The server runs", body = Live)))]
pub(in crate::api) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// Says whether the server takes requests; 503 while it drains.
#[utoipa::path(get, path = "/v2/health/ready", tag = "health", operation_id = "server_ready",
    responses((status = 200, description = "The server takes requests", body = Ready),
              (status = 503, description = "The server drains", body = Ready)))]
pub(in crate::api) async fn ready(State(api): State<Arc<Api>>) -> Response {
    readiness(&api)
}

/// Names the server.
#[utoipa::path(get, path = "/v2", tag = "metadata", operation_id = "server_metadata",
    responses((status = 200, description = "The server", body = ServerMetadata),
              crate::api::openapi::HeadRefusals),
    security(("bearer" = [])))]
pub(in crate::api) async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata {
        name: "puntual",
        version: env!("CARGO_PKG_VERSION"),
        extensions: &["binary_tensor_data"],
    })
}

/// Describes the model: its input, its output, its features.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "metadata", operation_id = "model_metadata",
    params(("model" = String, Path, description = "The model's name", example = "flights")),
    responses((status = 200, description = "The model", body = ModelMetadata),
              crate::api::openapi::HeadRefusals,
              crate::api::openapi::ModelRefusals),
    security(("bearer" = [])))]
pub(in crate::api) async fn model(
    State(api): State<Arc<Api>>,
    Path(asked): Path<Asked>,
) -> Result<Json<ModelMetadata>, ApiError> {
    let model = api.model.current();
    asked.check(&model)?;
    let metadata = model.metadata();
    let features = i64::try_from(metadata.features).unwrap_or(-1);
    let tensor = |name: &String, datatype, shape| TensorMetadata { name: name.clone(), datatype, shape };
    Ok(Json(ModelMetadata {
        name: metadata.name.clone(),
        versions: vec![model.version().to_owned()],
        platform: "onnx_tract",
        inputs: vec![tensor(&metadata.input, "FP32", vec![-1, features])],
        outputs: vec![tensor(&metadata.label, "INT64", vec![-1])],
        parameters: ModelParameters {
            sha256: model.sha256().to_owned(),
            feature_names: metadata.feature_names.clone(),
        },
    }))
}

/// Says whether the model takes requests.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "health", operation_id = "model_ready",
    params(("model" = String, Path, description = "The model's name", example = "flights")),
    responses((status = 200, description = "The model takes requests", body = Ready),
              (status = 503, description = "The server drains", body = Ready),
              crate::api::openapi::HeadRefusals,
              crate::api::openapi::ModelRefusals),
    security(("bearer" = [])))]
pub(in crate::api) async fn model_ready(
    State(api): State<Arc<Api>>,
    Path(asked): Path<Asked>,
) -> Result<Response, ApiError> {
    asked.check(&api.model.current())?;
    Ok(readiness(&api))
}

fn readiness(api: &Api) -> Response {
    let ready = api.probes.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready })).into_response()
}
