//! `POST /api`: rows in, one class each out.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};

use super::problem::ApiError;
use super::rows::{RowShape, Rows};
use super::{Api, body};
use crate::model::Classifier;
use crate::telemetry::events::{self, Phase};

/// One row of features, or a batch of rows.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents the body; rows.rs parses it without building this")]
pub(super) enum Array {
    /// One row: as many numbers as the model has features.
    #[schema(example = json!([0, 1, 0]))]
    Row(Vec<f32>),
    /// A batch: one class is answered for each row.
    Batch(Vec<Vec<f32>>),
}

/// The body of `POST /api`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; rows.rs parses it without building this")]
pub(super) struct PredictionRequest {
    /// The features, in the order of the model's metadata.
    array: Array,
}

/// The answer of `POST /api`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Predictions {
    /// The class of each row: 1 where the flight will leave more than 15 minutes late.
    #[schema(example = json!([1]))]
    predicciones: Vec<i64>,
}

/// Predicts the class of each row.
#[utoipa::path(
    post,
    path = "/api",
    tag = "prediction",
    operation_id = "predict",
    request_body = PredictionRequest,
    responses(
        (status = 200, description = "One class for each row", body = Predictions),
        super::openapi::BodyRefusals,
    ),
    security(("bearer" = []))
)]
pub(super) async fn predict(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    const JSON: &str = "application/json";
    body::check_media_type(request.headers(), &[Some(JSON)], JSON)?;
    let body = body::read(request.into_body(), api.limits).await?;

    let model = api.model.current();
    let started = Instant::now();
    let shape = RowShape { features: model.metadata().features, max_rows: api.batch_rows };
    let rows = Rows::parse(&body, shape)?;
    events::PhaseTimed { phase: Phase::Decode, took: started.elapsed() }.emit();
    Ok(answer(&classify(&model, &rows)?))
}

/// Runs the model on rows that fit it and counts what it said. Every protocol predicts here.
pub(super) fn classify(model: &Classifier, rows: &Rows) -> Result<Vec<i64>, ApiError> {
    let metadata = model.metadata();
    let started = Instant::now();
    let classes = model.classify(rows.values()).map_err(ApiError::ModelFailed)?;
    #[cfg(feature = "faults")]
    let classes = crate::faults::spoil(classes);
    events::PhaseTimed { phase: Phase::Model, took: started.elapsed() }.emit();
    events::Predicted { model: &metadata.name, classes: &classes }.emit();
    for row in rows.iter() {
        for group in metadata.domain.violated(row) {
            events::RowOutOfDomain { model: &metadata.name, group: &group.name }.emit();
        }
    }
    Ok(classes)
}

/// One row is what nearly everybody asks for, and its answers are known: they are sent as they stand.
fn answer(classes: &[i64]) -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let body = match classes {
        [0] => Bytes::from_static(br#"{"predicciones":[0]}"#),
        [1] => Bytes::from_static(br#"{"predicciones":[1]}"#),
        classes => {
            serde_json::to_vec(&Predictions { predicciones: classes.to_vec() }).unwrap_or_default().into()
        }
    };
    ([(header::CONTENT_TYPE, JSON)], body).into_response()
}
