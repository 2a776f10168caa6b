//! The layer that lets a request through with an [`Identity`](super::Identity) or answers 401. The only place that reads
//! the `Authorization` header.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};

use super::{Refusal, TokenCache, Verified, Verifier};
use crate::api::{ApiError, PUBLIC_PATHS};
use crate::telemetry::events::{self, Phase};

/// Decides who is calling. Cloning gives another handle to the same keys and cache.
#[derive(Debug, Clone)]
pub struct Authenticator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    verifier: Verifier,
    cache: TokenCache,
}

impl Authenticator {
    /// Checks with `verifier` what is not in `cache`.
    #[must_use]
    pub fn new(verifier: Verifier, cache: TokenCache) -> Self {
        Self { inner: Arc::new(Inner { verifier, cache }) }
    }

    fn identify(&self, headers: &HeaderMap) -> Result<Verified, Refusal> {
        let token = bearer_token(headers)?;
        self.inner.cache.verify(token, &self.inner.verifier)
    }
}

/// Puts the [`Identity`](super::Identity) of the caller into the request's extensions, or answers 401. Public paths pass.
pub async fn authenticate(
    State(identity): State<Authenticator>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if PUBLIC_PATHS.iter().any(|paths| paths.contains(&path)) {
        return next.run(request).await;
    }
    let started = Instant::now();
    let decision = identity.identify(request.headers());
    events::PhaseTimed { phase: Phase::Auth, took: started.elapsed() }.emit();
    match decision {
        Ok(verified) => {
            events::TokenAccepted.emit();
            request.extensions_mut().insert(verified.identity);
            next.run(request).await
        }
        Err(refusal) => {
            events::TokenRefused { reason: refusal.reason() }.emit();
            ApiError::Unauthenticated(refusal).into_response()
        }
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750 §2.1; the scheme's case does not matter, RFC 9110
/// §11.1).
///
/// # Errors
/// [`Refusal::Missing`], [`Refusal::Duplicate`] or [`Refusal::Malformed`].
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Duplicate);
    }
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(Refusal::Malformed)?;
    let token = token.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(Refusal::Malformed)
    }
}
