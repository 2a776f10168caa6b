//! Who is let in, and who is told why not.

use crate::service::{NOW, Service, sign_hs256};
use rstest::rstest;
use serde_json::{Value, json};

type Change = fn(&mut Value);

#[rstest]
#[case::expired(|c: &mut Value| c["exp"] = json!(NOW - 31), "is expired")]
#[case::without_an_end(|c: &mut Value| { c.as_object_mut().unwrap().remove("exp"); }, "is not a JWT with an end")]
#[case::not_valid_yet(|c: &mut Value| c["nbf"] = json!(NOW + 31), "not valid yet")]
#[case::another_issuer(|c: &mut Value| c["iss"] = json!("mallory"), "another issuer")]
#[case::no_issuer(|c: &mut Value| { c.as_object_mut().unwrap().remove("iss"); }, "another issuer")]
#[case::another_audience(|c: &mut Value| c["aud"] = json!(["other"]), "another audience")]
#[case::no_audience(|c: &mut Value| { c.as_object_mut().unwrap().remove("aud"); }, "another audience")]
#[case::no_subject(|c: &mut Value| { c.as_object_mut().unwrap().remove("sub"); }, "no subject")]
#[case::an_empty_subject(|c: &mut Value| c["sub"] = json!(""), "no subject")]
#[tokio::test]
async fn wrong_claims_are_refused(#[case] change: Change, #[case] says: &str) {
    let service = Service::start().await;
    let mut claims = service.claims();
    change(&mut claims);
    let token = service.sign(&claims);
    let answer = service.post_with_token(&format!("authorization: Bearer {token}\r\n")).await;
    let detail = answer.is_problem(401, "unauthenticated");
    assert!(detail.contains(says), "{detail}");
    let challenge = format!(
        "www-authenticate: Bearer realm=\"puntual\", error=\"invalid_token\", error_description=\"{detail}\"\r\n"
    );
    assert!(answer.head.contains(&challenge), "{answer:?}");
}

#[rstest]
#[case::as_they_are(|_: &mut Value| {})]
#[case::within_the_leeway(|c: &mut Value| { c["exp"] = json!(NOW - 29); c["nbf"] = json!(NOW + 30); })]
#[case::one_of_several_audiences(|c: &mut Value| c["aud"] = json!(["other", "puntual"]))]
#[case::a_fractional_end(|c: &mut Value| c["exp"] = json!(1_800_000_010.5))]
#[tokio::test]
async fn right_claims_are_accepted(#[case] change: Change) {
    let service = Service::start().await;
    let mut claims = service.claims();
    change(&mut claims);
    let token = service.sign(&claims);
    assert_eq!(service.post_with_token(&format!("authorization: Bearer {token}\r\n")).await.status(), "200");
    assert_eq!(service.post_with_token(&format!("Authorization: bearer  {token}\r\n")).await.status(), "200");
}

/// `{"alg":"none"}` and no signature.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.";

#[rstest]
#[case::missing("", "no Authorization header")]
#[case::another_scheme("authorization: Basic dXNlcjpwYXNz\r\n", "of another scheme")]
#[case::not_a_jwt("authorization: Bearer abc\r\n", "is not a JWT")]
#[case::no_json("authorization: Bearer YWJj.YWJj.YWJj\r\n", "is not a JWT")]
#[case::alg_none(&format!("authorization: Bearer {UNSIGNED}\r\n"), "is not signed")]
#[case::as_long_as_may_be(&format!("authorization: Bearer {}\r\n", "x".repeat(8192)), "is not a JWT")]
#[case::too_long(&format!("authorization: Bearer {}\r\n", "x".repeat(8193)), "too long")]
#[tokio::test]
async fn other_credentials_are_refused(#[case] line: &str, #[case] says: &str) {
    let service = Service::start().await;
    let detail = service.post_with_token(line).await.is_problem(401, "unauthenticated");
    assert!(detail.contains(says), "{detail}");
}

/// RFC 6750 §3.1: who brings no token is not told what is wrong with it.
#[rstest]
#[case::nothing("")]
#[case::another_scheme("authorization: Basic dXNlcjpwYXNz\r\n")]
#[tokio::test]
async fn a_missing_token_is_asked_for_without_an_error_code(#[case] lines: &str) {
    let answer = Service::start().await.post_with_token(lines).await;
    answer.is_problem(401, "unauthenticated");
    assert!(answer.head.contains("www-authenticate: Bearer realm=\"puntual\"\r\n"), "{answer:?}");
}

/// RFC 6750 §3.1: `invalid_request` is 400. No credentials were tried.
#[rstest]
#[case::twice("authorization: Bearer a\r\nauthorization: Bearer a\r\n", "more than one")]
#[case::twice_with_another_scheme("authorization: Basic a\r\nauthorization: Bearer a\r\n", "more than one")]
#[case::no_token("authorization: Bearer\r\n", "is not `Bearer <JWT>`")]
#[case::spaces("authorization: Bearer  \r\n", "is not `Bearer <JWT>`")]
#[case::not_ascii("authorization: Bearer \u{fc}\r\n", "is not `Bearer <JWT>`")]
#[tokio::test]
async fn a_malformed_header_is_a_bad_request(#[case] lines: &str, #[case] says: &str) {
    let answer = Service::start().await.post_with_token(lines).await;
    let detail = answer.is_problem(400, "malformed-credentials");
    assert!(detail.contains(says), "{detail}");
    let challenge = format!(
        "www-authenticate: Bearer realm=\"puntual\", error=\"invalid_request\", error_description=\"{detail}\"\r\n"
    );
    assert!(answer.head.contains(&challenge), "{answer:?}");
}

#[tokio::test]
async fn another_key_or_another_algorithm_is_refused() {
    let service = Service::start().await;
    let stranger = Service::start().await;
    let foreign = stranger.sign(&service.claims());
    let confused = sign_hs256(&service.claims(), b"the public key, as a secret");
    for (token, says) in [(foreign, "signature does not fit"), (confused, "signed with a secret")] {
        let answer = service.post_with_token(&format!("authorization: Bearer {token}\r\n")).await;
        let detail = answer.is_problem(401, "unauthenticated");
        assert!(detail.contains(says), "{detail}");
    }
}

#[tokio::test]
async fn a_changed_signature_is_refused_although_the_token_is_remembered() {
    let service = Service::start().await;
    assert_eq!(service.get("/v2").await.status(), "200");
    let (unsigned, signature) = service.token.rsplit_once('.').unwrap();
    let changed = signature.chars().rev().collect::<String>();
    let answer = service.post_with_token(&format!("authorization: Bearer {unsigned}.{changed}\r\n")).await;
    answer.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_time() {
    let service = Service::start().await;
    let token = service.sign(&service.claims());
    let line = format!("authorization: Bearer {token}\r\n");
    for (later, status) in [(0, "200"), (50, "200"), (79, "200"), (1, "401"), (0, "401")] {
        service.advance(later);
        assert_eq!(service.post_with_token(&line).await.status(), status, "{later} s later");
    }
}

#[rstest]
#[case("/v2")]
#[case("/v2/models/flights")]
#[case("/v2/models/flights/ready")]
#[case("/nowhere")]
#[case("/openapi.json/")]
#[case("//openapi.json")]
#[tokio::test]
async fn nothing_else_is_answered_without_credentials(#[case] path: &str) {
    let service = Service::start().await;
    let mut wire = service.connect().await;
    wire.ask(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await.is_problem(401, "unauthenticated");
}

#[rstest]
#[case("/openapi.json")]
#[case("/v2/health/live")]
#[case("/v2/health/ready")]
#[tokio::test]
async fn description_and_health_are_answered_without_credentials(#[case] path: &str) {
    let service = Service::start().await;
    let mut wire = service.connect().await;
    assert_eq!(wire.ask(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await.status(), "200");
}
