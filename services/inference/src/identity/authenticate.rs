//! Lets a request through with an [`Identity`](super::Identity) or refuses it. The only place that reads the
//! `Authorization` header.

use std::time::Instant;

use axum::extract::Request;
use http::{HeaderMap, header};

use super::{Refusal, TokenCache, Verified, Verifier};
use crate::api::{ApiError, PUBLIC_PATHS};
use crate::telemetry::events::{self, Phase};

/// Decides who is calling.
#[derive(Debug)]
pub struct Authenticator {
    verifier: Verifier,
    cache: TokenCache,
}

impl Authenticator {
    /// Checks with `verifier` what is not in `cache`.
    #[must_use]
    pub fn new(verifier: Verifier, cache: TokenCache) -> Self {
        Self { verifier, cache }
    }

    /// Puts the [`Identity`](super::Identity) of the caller into the request's extensions. Public paths pass without one.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] with what is wrong with the caller's credentials.
    pub fn authenticate(&self, request: &mut Request) -> Result<(), ApiError> {
        let path = request.uri().path();
        if PUBLIC_PATHS.iter().any(|paths| paths.contains(&path)) {
            return Ok(());
        }
        let started = Instant::now();
        let decision = self.identify(request.headers());
        events::PhaseTimed { phase: Phase::Auth, took: started.elapsed() }.emit();
        match decision {
            Ok(verified) => {
                events::TokenAccepted.emit();
                request.extensions_mut().insert(verified.identity);
                Ok(())
            }
            Err(refusal) => {
                events::TokenRefused { reason: refusal.reason() }.emit();
                Err(ApiError::Unauthenticated(refusal))
            }
        }
    }

    fn identify(&self, headers: &HeaderMap) -> Result<Verified, Refusal> {
        let token = bearer_token(headers)?;
        self.cache.verify(token, &self.verifier)
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
