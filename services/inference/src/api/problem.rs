//! Every way in which a request can fail: its status, its stable code, whose fault it was, what the caller is told. The
//! documentation, the metric's label and the runbook's table are made from this enum; nothing else answers an error.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use strum::{EnumDiscriminants, EnumIter};

use super::problem_document::{PROBLEM_JSON, Problem};
use crate::admission::QuotaPolicy;
use crate::identity::Refusal;
use crate::model::ModelError;
use crate::telemetry::{ErrorSource, events};

/// Why a request was not answered with predictions. `Display` is the text for the caller.
#[derive(Debug, thiserror::Error, EnumDiscriminants)]
#[strum_discriminants(
    name(ProblemKind),
    derive(EnumIter, Hash),
    doc = "The kinds of [`ApiError`], without what one occurrence adds."
)]
pub enum ApiError {
    /// The body is not JSON.
    #[error("the body is not JSON: {reason}")]
    MalformedJson {
        /// What the parser found, and where.
        reason: String,
    },
    /// A field that must be there is not.
    #[error("the field `{field}` is missing; {}", describe_sent(sent))]
    MissingField {
        /// The field's name.
        field: &'static str,
        /// The fields that were sent instead.
        sent: Vec<String>,
    },
    /// A field that nobody reads was sent: a misspelling, more likely than not.
    #[error("the field `{field}` is not known; expected only `{expected}`")]
    UnknownField {
        /// The field that was sent.
        field: String,
        /// The field that is read.
        expected: &'static str,
    },
    /// A value of another type than expected.
    #[error("{at}: {reason}")]
    WrongType {
        /// The path of the value, for example `array[3]`.
        at: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A number that no 32-bit float can hold.
    #[error("{at}: {value} is not a finite 32-bit float; expected a number of at most ±3.4028235e38")]
    NumberOutOfRange {
        /// The path of the value.
        at: String,
        /// The number, as it was understood.
        value: String,
    },
    /// A row with too few or too many numbers.
    #[error("{at}: expected {expected} numbers, got {got}")]
    WrongLength {
        /// The path of the row.
        at: String,
        /// How many numbers the model's rows have.
        expected: usize,
        /// How many were sent.
        got: usize,
    },
    /// A batch of no rows.
    #[error("the batch is empty; expected at least one row")]
    EmptyBatch,
    /// A batch of more rows than are accepted at once.
    #[error("the batch has {got} rows; expected at most {limit}")]
    BatchTooLarge {
        /// How many rows were sent.
        got: usize,
        /// How many are accepted.
        limit: usize,
    },
    /// An inference request whose tensors do not fit the model.
    #[error("{at}: {reason}")]
    InvalidTensor {
        /// The path of what does not fit.
        at: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A body larger than accepted.
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A body that did not arrive in time.
    #[error("the body did not arrive within {} s", limit.as_secs_f32())]
    BodyTimeout {
        /// The limit.
        limit: Duration,
    },
    /// The body broke off.
    #[error("the body could not be read to its end")]
    BodyBroken {
        /// What the connection said.
        source: axum::Error,
    },
    /// A header block larger than accepted.
    #[error("the header block is larger than {limit} bytes")]
    HeadersTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A body of another media type, or an encoded one.
    #[error("the content type is {got}; expected {expected}, not compressed")]
    UnsupportedMediaType {
        /// What was sent.
        got: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// No such path.
    #[error("there is nothing at this path; GET /openapi.json lists what there is")]
    NotFound,
    /// No model, or no version of it, by that name.
    #[error("there is no model `{name}`{}; the model served is `{served}`", describe_version(version.as_deref()))]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The version that was asked for.
        version: Option<String>,
        /// The name of the model that answers.
        served: String,
    },
    /// The path is right, the method is not. axum adds `Allow`.
    #[error("the method {method} is not allowed here; the Allow header lists those that are")]
    MethodNotAllowed {
        /// The method that was sent.
        method: String,
    },
    /// Who is calling is not known.
    #[error("{0}")]
    Unauthenticated(Refusal),
    /// The `Authorization` header breaks the rules of HTTP or of bearer tokens.
    #[error("{0}")]
    MalformedCredentials(Refusal),
    /// No token can be checked: the keys of who issues them are missing or too old.
    #[error("the keys of the tokens' issuer cannot be fetched; the token may be right; retry after {} s", retry_after.as_secs())]
    KeysStale {
        /// When to come back; whole seconds.
        retry_after: Duration,
    },
    /// The connection's client certificate does not say who is calling.
    #[error("{0}")]
    CertificateRefused(Refusal),
    /// The caller's quota is used up.
    #[error(
        "the quota of class `{}` is used up: {} at once, as many again in {} s; retry after {retry_after} s",
        policy.class, policy.burst, policy.window
    )]
    QuotaExceeded {
        /// The quota.
        policy: Arc<QuotaPolicy>,
        /// When to come back, in seconds.
        retry_after: u64,
    },
    /// Too many credentials from the caller's address were refused.
    #[error("too many credentials from this address were refused; retry after {retry_after} s")]
    TooManyRefusals {
        /// When to come back, in seconds.
        retry_after: u64,
    },
    /// All places for requests are taken.
    #[error("the service is at its limit; retry after {} s", retry_after.as_secs())]
    Overloaded {
        /// When to come back; whole seconds.
        retry_after: Duration,
    },
    /// The model failed: ours to mend.
    #[error("the model failed; the request was right")]
    ModelFailed(#[source] ModelError),
    /// Something failed that should not: ours to mend.
    #[error("an internal error; the request may have been right")]
    Internal {
        /// What is known of it; logged, never sent.
        reason: String,
    },
}

/// What is fixed about a kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code: clients and runbooks may rely on it.
    pub code: &'static str,
    /// The problem's kind in a few words, the same for every occurrence (RFC 9457 §3.1.4).
    pub title: &'static str,
    /// Whose fault it was.
    pub source: ErrorSource,
}

impl ProblemKind {
    /// Status, code, title and source of this kind of error.
    #[must_use]
    pub const fn facts(self) -> Facts {
        use ErrorSource::{Client, Dependency, Limit, Server};
        let (status, code, title, source) = match self {
            Self::MalformedJson => {
                (StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON", Client)
            }
            Self::MissingField => {
                (StatusCode::UNPROCESSABLE_ENTITY, "missing-field", "A field is missing", Client)
            }
            Self::UnknownField => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unknown-field", "A field is not known", Client)
            }
            Self::WrongType => {
                (StatusCode::UNPROCESSABLE_ENTITY, "wrong-type", "A value has the wrong type", Client)
            }
            Self::NumberOutOfRange => {
                (StatusCode::UNPROCESSABLE_ENTITY, "number-out-of-range", "A number is out of range", Client)
            }
            Self::WrongLength => {
                (StatusCode::UNPROCESSABLE_ENTITY, "wrong-length", "A row has the wrong length", Client)
            }
            Self::EmptyBatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "empty-batch", "The batch is empty", Client)
            }
            Self::BatchTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "batch-too-large", "The batch has too many rows", Client)
            }
            Self::InvalidTensor => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-tensor",
                "A tensor does not fit the model",
                Client,
            ),
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large", Client)
            }
            Self::BodyTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "body-timeout", "The body did not arrive in time", Client)
            }
            Self::BodyBroken => (StatusCode::BAD_REQUEST, "body-broken", "The body broke off", Client),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "The header block is too large",
                Client,
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The content type is not supported",
                Client,
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is nothing at this path", Client),
            Self::UnknownModel => (StatusCode::NOT_FOUND, "unknown-model", "There is no such model", Client),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed", Client)
            }
            Self::Unauthenticated => {
                (StatusCode::UNAUTHORIZED, "unauthenticated", "Who is calling is not known", Client)
            }
            Self::MalformedCredentials => {
                (StatusCode::BAD_REQUEST, "malformed-credentials", "The credentials are malformed", Client)
            }
            Self::KeysStale => (
                StatusCode::SERVICE_UNAVAILABLE,
                "keys-stale",
                "The keys that tokens are checked with are too old",
                Dependency,
            ),
            Self::CertificateRefused => {
                (StatusCode::FORBIDDEN, "certificate-refused", "The client certificate is refused", Client)
            }
            Self::QuotaExceeded => {
                (StatusCode::TOO_MANY_REQUESTS, "quota-exceeded", "The quota is used up", Limit)
            }
            Self::TooManyRefusals => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-refusals",
                "Too many credentials were refused",
                Limit,
            ),
            Self::Overloaded => {
                (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "The service is at its limit", Server)
            }
            Self::ModelFailed => {
                (StatusCode::INTERNAL_SERVER_ERROR, "model-failed", "The model failed", Server)
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "An internal error", Server),
        };
        Facts { status, code, title, source }
    }
}

impl ApiError {
    /// What is logged beside the public text; never sent.
    fn internal(&self) -> String {
        match self {
            Self::ModelFailed(error) => error.to_string(),
            Self::Internal { reason } => reason.clone(),
            Self::BodyBroken { source } => source.to_string(),
            _ => self.to_string(),
        }
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::Unauthenticated(refusal) | Self::MalformedCredentials(refusal) => {
                headers.insert(header::WWW_AUTHENTICATE, refusal.challenge());
            }
            Self::QuotaExceeded { policy, retry_after } => {
                headers.insert(header::RETRY_AFTER, (*retry_after).into());
                policy.say_used_up(*retry_after, headers);
            }
            Self::TooManyRefusals { retry_after } => {
                headers.insert(header::RETRY_AFTER, (*retry_after).into());
            }
            Self::Overloaded { retry_after } | Self::KeysStale { retry_after } => {
                headers.insert(header::RETRY_AFTER, retry_after.as_secs().into());
            }
            _ => {}
        }
    }

    /// Whether the rest of the request may still be on its way, so that the connection cannot be used again.
    const fn leaves_body_unread(&self) -> bool {
        matches!(self, Self::BodyTooLarge { .. } | Self::BodyTimeout { .. } | Self::HeadersTooLarge { .. })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Facts { status, code, title, source } = ProblemKind::from(&self).facts();
        events::RequestRefused { code, source, internal: &self.internal() }.emit();
        let detail = self.to_string();
        let problem = Problem {
            kind: format!("urn:puntual:problem:{code}"),
            title,
            status: status.as_u16(),
            code,
            error: detail.clone(),
            detail,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
        self.add_headers(response.headers_mut());
        if self.leaves_body_unread() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(source);
        response
    }
}

fn describe_sent(sent: &[String]) -> String {
    match sent {
        [] => "no field was sent".to_owned(),
        names => format!("sent were `{}`", names.join("`, `")),
    }
}

fn describe_version(version: Option<&str>) -> String {
    version.map(|version| format!(" in version `{version}`")).unwrap_or_default()
}
