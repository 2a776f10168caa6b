//! What the body of an error looks like; what stands in it is decided by `problem`.

use http::HeaderValue;
use serde::Serialize;

/// The body of every error: an RFC 9457 problem document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(title = "Problem")]
pub struct Problem {
    /// A URI for the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:puntual:problem:wrong-length")]
    pub kind: String,
    /// The kind of problem in a few words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The stable code of the kind of problem.
    #[schema(example = "wrong-length")]
    pub code: &'static str,
    /// What was wrong in this request, where, and what would be right.
    pub detail: String,
    /// The same text again: the Open Inference Protocol's clients read this member.
    pub error: String,
}

/// The media type of problem documents (RFC 9457 §6.1).
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
