//! Bounds of header block and body, and reading a body within them. Never looks into a body.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::problem::ApiError;

/// How large a body may be and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes.
    pub bytes: usize,
    /// From the head's arrival to the last byte.
    pub timeout: Duration,
}

/// Parses a size such as `512KiB`, `1MiB` or `4096`.
///
/// # Errors
/// Says what was found and what is accepted.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let (digits, factor) = match text.strip_suffix("KiB") {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix("MiB").map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let wrong = || format!("{text:?} is not a size; expected bytes, as 4096, 512KiB or 1MiB");
    let number: usize = digits.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|size| *size > 0).ok_or_else(wrong)
}

/// Refuses a header block above the limit: names, values, and four bytes a line as HTTP/1 writes them.
pub(super) fn check_headers(request: &Request, limit: usize) -> Result<(), ApiError> {
    let lines: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if lines + path > limit { Err(ApiError::HeadersTooLarge { limit }) } else { Ok(()) }
}

/// Refuses a body that announces itself as too large, before anybody reads it or asks who sends it.
pub(super) fn check_announced(headers: &HeaderMap, limit: usize) -> Result<(), ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    if usize::try_from(announced).is_ok_and(|length| length <= limit) {
        Ok(())
    } else {
        Err(ApiError::BodyTooLarge { limit })
    }
}

/// Reads the whole body.
pub(super) async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, ApiError> {
    let BodyLimits { bytes: limit, timeout } = limits;
    match tokio::time::timeout(timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit }),
        Ok(Err(error)) => Err(ApiError::BodyBroken { source: axum::Error::new(error) }),
        Err(_elapsed) => Err(ApiError::BodyTimeout { limit: timeout }),
    }
}

/// Refuses a body of another media type than the `accepted` ones, or an encoded one. `None` among `accepted` lets a
/// request without `Content-Type` pass.
pub(super) fn check_media_type(
    headers: &HeaderMap,
    accepted: &[Option<&str>],
    expected: &'static str,
) -> Result<(), ApiError> {
    let wrong = |got: String| ApiError::UnsupportedMediaType { got, expected };
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(wrong(format!("encoded as {}", String::from_utf8_lossy(encoding.as_bytes()))));
    }
    let sent = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let essence = sent.as_deref().map(|value| value.split(';').next().unwrap_or_default().trim());
    let accepts = |accepted: &Option<&str>| match (accepted, essence) {
        (None, None) => true,
        (Some(accepted), Some(essence)) => accepted.eq_ignore_ascii_case(essence),
        (None, Some(_)) | (Some(_), None) => false,
    };
    if accepted.iter().any(accepts) { Ok(()) } else { Err(wrong(essence.unwrap_or("missing").to_owned())) }
}
