//! Asks a server of this machine or network over HTTP. Every question has a limit of time; errors say what was asked and
//! what came back.

use std::time::Duration;

use ureq::Agent;

/// Long enough for a scrape and for a query over a month.
const LIMIT: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nothing came back, or not all of it.
    #[error("GET {url}: {reason}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What the client said.
        reason: String,
    },
    /// Another status than 200.
    #[error("GET {url}: answered {status}; expected 200: {body}")]
    Status {
        /// What was asked.
        url: String,
        /// What came back.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
}

/// The body of a 200.
///
/// # Errors
///
/// For everything else.
pub fn get(url: &str, query: &[(&str, &str)]) -> Result<String, HttpError> {
    let agent: Agent =
        Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false).build().into();
    let no_answer =
        |error: ureq::Error| HttpError::NoAnswer { url: url.to_owned(), reason: error.to_string() };
    let mut response = agent.get(url).query_pairs(query.iter().copied()).call().map_err(no_answer)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_string().map_err(no_answer)?;
    if status == 200 {
        return Ok(body);
    }
    Err(HttpError::Status { url: url.to_owned(), status, body: body.chars().take(500).collect() })
}
