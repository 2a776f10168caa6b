//! Lets a request through with an [`Identity`] or refuses it. The only place that reads the
//! `Authorization` header.

use axum::extract::Request;
use http::{HeaderMap, header};

use super::policy::Method;
use super::{ClientCertificate, Identity, Policy, Refusal, TokenCache, Verifier};
use crate::api::{ApiError, PUBLIC_PATHS};
use crate::listen::Peer;
use crate::telemetry::events;

/// Decides who is calling.
#[derive(Debug)]
pub struct Authenticator {
    policy: Policy,
    verifier: Verifier,
    cache: TokenCache,
}

impl Authenticator {
    /// Asks for the proofs of `policy`; checks with `verifier` the tokens that are not in `cache`.
    #[must_use]
    pub fn new(policy: Policy, verifier: Verifier, cache: TokenCache) -> Self {
        Self { policy, verifier, cache }
    }

    /// Who is calling; `None` on public paths, where nobody is asked. Waits for nothing, but where a token names a key that
    /// its issuer may have added a moment ago.
    ///
    /// The request is only read; borrowed alone, because a body may go to another thread and not be shared between two.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`], [`ApiError::MalformedCredentials`] or [`ApiError::CertificateRefused`] with what is
    /// wrong with the caller's credentials; [`ApiError::KeysStale`] where they cannot be checked.
    pub async fn authenticate(&self, request: &mut Request) -> Result<Option<Identity>, ApiError> {
        let path = request.uri().path();
        if self.policy == Policy::Open || PUBLIC_PATHS.iter().any(|paths| paths.contains(&path)) {
            return Ok(None);
        }
        let (method, mut decision) = self.decide(request);
        if decision == Err(Refusal::UnknownKey) && self.verifier.renewed().await {
            (_, decision) = self.decide(request);
        }
        match decision {
            Ok(identity) => {
                events::CallerAccepted { method: method.label() }.emit();
                Ok(Some(identity))
            }
            Err(refusal) => {
                events::CallerRefused { method: method.label(), reason: refusal.reason() }.emit();
                Err(refusal.into())
            }
        }
    }

    fn decide(&self, request: &Request) -> (Method, Result<Identity, Refusal>) {
        let certificate = request.extensions().get::<Peer>().and_then(|peer| peer.certificate.as_deref());
        let has_token = || request.headers().contains_key(header::AUTHORIZATION);
        let method = self.policy.method(has_token, certificate.is_some());
        (method, self.identify(method, request.headers(), certificate))
    }

    fn identify(
        &self,
        method: Method,
        headers: &HeaderMap,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Identity, Refusal> {
        if method != Method::Jwt && certificate.is_none() {
            return Err(Refusal::NoCertificate);
        }
        if method == Method::Mtls {
            let subject = certificate.and_then(|certificate| certificate.subject.clone());
            let subject = subject.ok_or(Refusal::NamelessCertificate)?;
            let class = self.verifier.class_of(&subject);
            return Ok(Identity { subject, class });
        }
        let verified = self.cache.verify(bearer_token(headers)?, &self.verifier)?;
        match (verified.bound_to, certificate) {
            // Whatever the policy: who bound a token wants it to be worth nothing to a thief.
            (Some(thumbprint), certificate)
                if certificate.is_none_or(|certificate| certificate.thumbprint != thumbprint) =>
            {
                Err(Refusal::NotBoundToThis)
            }
            (None, _) if self.policy == Policy::Bound => Err(Refusal::NotBound),
            _ => Ok(verified.identity),
        }
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750 §2.1; the scheme's case does not matter, RFC 9110
/// §11.1). Bytes: one that is remembered was text when it was verified, and is not looked through again.
///
/// # Errors
/// [`Refusal::Missing`], [`Refusal::Duplicate`], [`Refusal::OtherScheme`] or [`Refusal::MalformedHeader`].
pub fn bearer_token(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Missing)?.as_bytes();
    if values.next().is_some() {
        return Err(Refusal::Duplicate);
    }
    let end_of_scheme = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, token) = value.split_at(end_of_scheme);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Refusal::OtherScheme);
    }
    let token = token.trim_ascii();
    if token.is_empty() { Err(Refusal::MalformedHeader) } else { Ok(token) }
}
