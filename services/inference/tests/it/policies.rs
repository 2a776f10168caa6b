//! Which proofs each policy asks for. The certificates are put where the listener puts what a handshake verified.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use inference::identity::{ClientCertificate, Policy};
use rstest::rstest;
use serde_json::json;

use crate::service::Service;

const NAME: &str = "spiffe://example.org/client";
const THUMBPRINT: [u8; 32] = [7; 32];

fn certificate() -> Option<ClientCertificate> {
    Some(ClientCertificate { subject: Some(Arc::from(NAME)), thumbprint: THUMBPRINT })
}

/// What a caller sends as a token.
#[derive(Debug, Clone, Copy)]
enum Token {
    No,
    Wrong,
    /// Bound to nothing.
    Free,
    /// Bound to the certificate with this thumbprint.
    BoundTo([u8; 32]),
}

async fn ask(policy: Policy, token: Token, certificate: Option<ClientCertificate>) -> String {
    let service = Service::start_behind_tls(|config| config.identity.policy = policy, certificate).await;
    let mut claims = service.claims();
    let lines = match token {
        Token::No => String::new(),
        Token::Wrong => "authorization: Bearer wrong\r\n".to_owned(),
        Token::Free => format!("authorization: Bearer {}\r\n", service.sign(&claims)),
        Token::BoundTo(thumbprint) => {
            claims["cnf"] = json!({"x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(thumbprint)});
            format!("authorization: Bearer {}\r\n", service.sign(&claims))
        }
    };
    let first = service.post_with_token(&lines).await;
    let again = service.post_with_token(&lines).await;
    assert_eq!(first.status(), again.status(), "a remembered token is judged as a new one");
    match first.status() {
        "200" => "200".to_owned(),
        "403" => format!("403 {}", first.is_problem(403, "certificate-refused")),
        _ => format!("401 {}", first.is_problem(401, "unauthenticated")),
    }
}

const OTHER: [u8; 32] = [8; 32];

#[rstest]
#[case(Policy::Jwt, Token::Free, "200")]
#[case(Policy::Jwt, Token::BoundTo(THUMBPRINT), "200")]
#[case(Policy::Jwt, Token::No, "401 there is no Authorization header")]
#[case(Policy::Mtls, Token::No, "200")]
#[case(Policy::Mtls, Token::Wrong, "200")]
#[case(Policy::Either, Token::No, "200")]
#[case(Policy::Either, Token::Free, "200")]
#[case(Policy::Either, Token::Wrong, "401 the token is not a JWT")]
#[case(Policy::Both, Token::No, "401 there is no Authorization header")]
#[case(Policy::Both, Token::Free, "200")]
#[case(Policy::Both, Token::BoundTo(OTHER), "401 the token is bound to another client certificate")]
#[case(Policy::Bound, Token::Free, "401 the token is not bound to a client certificate")]
#[case(Policy::Bound, Token::BoundTo(THUMBPRINT), "200")]
#[case(Policy::Bound, Token::BoundTo(OTHER), "401 the token is bound to another client certificate")]
#[tokio::test]
async fn with_a_certificate(#[case] policy: Policy, #[case] token: Token, #[case] says: &str) {
    let answer = ask(policy, token, certificate()).await;
    assert!(answer.starts_with(says), "{answer}");
}

#[rstest]
#[case(Policy::Jwt, Token::Free, "200")]
#[case(Policy::Mtls, Token::Free, "403 the connection has no client certificate")]
#[case(Policy::Either, Token::Free, "200")]
#[case(Policy::Either, Token::No, "401 there is no Authorization header")]
#[case(Policy::Both, Token::Free, "403 the connection has no client certificate")]
#[case(Policy::Bound, Token::BoundTo(THUMBPRINT), "403 the connection has no client certificate")]
// A stolen token is worth nothing without the key of the certificate, whatever the policy.
#[case(Policy::Jwt, Token::BoundTo(THUMBPRINT), "401 the token is bound to another client certificate")]
#[case(Policy::Either, Token::BoundTo(THUMBPRINT), "401 the token is bound to another client certificate")]
#[tokio::test]
async fn without_a_certificate(#[case] policy: Policy, #[case] token: Token, #[case] says: &str) {
    let answer = ask(policy, token, None).await;
    assert!(answer.starts_with(says), "{answer}");
}

#[tokio::test]
async fn a_certificate_without_a_name_is_nobody() {
    let nameless = ClientCertificate { subject: None, thumbprint: THUMBPRINT };
    let answer = ask(Policy::Mtls, Token::No, Some(nameless.clone())).await;
    assert!(answer.starts_with("403 the client certificate names nobody"), "{answer}");
    assert_eq!(ask(Policy::Both, Token::Free, Some(nameless)).await, "200", "the token names the caller");
}
