//! The API's description, made from the handlers and from the errors. Committed as `openapi.json`; never written by
//! hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response as Description, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::problem::ProblemKind;
use super::problem_document::Problem;
use super::{oip, predict};

#[derive(OpenApi)]
#[openapi(
    info(title = "puntual inference", description = "Predicts whether a flight leaves more than 15 minutes late."),
    paths(
        predict::predict,
        oip::live,
        oip::ready,
        oip::server,
        oip::model,
        oip::model_ready,
        oip::infer,
        serve
    ),
    components(schemas(Problem)),
    modifiers(&Bearer)
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document as indented JSON, with a line break at its end.
///
/// # Errors
/// Where serialisation fails.
pub fn document() -> Result<String, serde_json::Error> {
    Api::openapi().to_pretty_json().map(|json| json + "\n")
}

/// Describes the API.
#[utoipa::path(get, path = "/openapi.json", tag = "metadata", operation_id = "openapi",
    responses((status = 200, description = "This document", content_type = "application/json", body = Object)))]
pub(super) async fn serve() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().unwrap_or_default().into());
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, JSON)], DOCUMENT.clone()).into_response()
}

/// What a request without a body may be refused for.
pub(super) struct HeadRefusals;

/// What a request with a body may be refused for.
pub(super) struct BodyRefusals;

/// What a request that names a model may be refused for.
pub(super) struct ModelRefusals;

const HEAD: [ProblemKind; 10] = [
    ProblemKind::Unauthenticated,
    ProblemKind::MalformedCredentials,
    ProblemKind::KeysStale,
    ProblemKind::CertificateRefused,
    ProblemKind::BodyTooLarge,
    ProblemKind::HeadersTooLarge,
    ProblemKind::QuotaExceeded,
    ProblemKind::TooManyRefusals,
    ProblemKind::Overloaded,
    ProblemKind::Internal,
];

const BODY: [ProblemKind; 13] = [
    ProblemKind::MalformedJson,
    ProblemKind::MissingField,
    ProblemKind::UnknownField,
    ProblemKind::WrongType,
    ProblemKind::NumberOutOfRange,
    ProblemKind::WrongLength,
    ProblemKind::EmptyBatch,
    ProblemKind::BatchTooLarge,
    ProblemKind::InvalidTensor,
    ProblemKind::BodyTimeout,
    ProblemKind::BodyBroken,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::ModelFailed,
];

type Responses = BTreeMap<String, RefOr<Description>>;

impl IntoResponses for HeadRefusals {
    fn responses() -> Responses {
        describe(&HEAD)
    }
}

impl IntoResponses for BodyRefusals {
    fn responses() -> Responses {
        describe(&[HEAD.as_slice(), &BODY].concat())
    }
}

impl IntoResponses for ModelRefusals {
    fn responses() -> Responses {
        describe(&[ProblemKind::UnknownModel])
    }
}

/// One response for each status, which names the codes that it may carry.
fn describe(kinds: &[ProblemKind]) -> Responses {
    let mut codes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for facts in kinds.iter().map(|kind| kind.facts()) {
        codes.entry(facts.status.as_str().to_owned()).or_default().push(facts.code);
    }
    let response = |codes: Vec<&str>| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new()
            .description(format!("A problem with the code {}", codes.join(", ")))
            .content("application/problem+json", content)
            .build()
    };
    codes.into_iter().map(|(status, codes)| (status, RefOr::T(response(codes)))).collect()
}
