//! Which keys a token may be signed with, and that the key decides how.

use clap::ValueEnum as _;
use inference::identity::{KeyError, KeySet, SigningAlgorithm, VerificationKey};
use jsonwebtoken::{Algorithm, Header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::issuer::{Issuer, SECRET};
use crate::service::{Service, sign_hs256};

fn key_set(issuer: &Issuer) -> KeySet {
    let key = match issuer.algorithm {
        Algorithm::HS256 => VerificationKey::from_secret(issuer.key_file()),
        _ => VerificationKey::from_pem(issuer.key_file()),
    };
    KeySet::new(vec![key.unwrap()], SigningAlgorithm::value_variants()).unwrap()
}

fn jwks(keys: &[Value]) -> KeySet {
    KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes(), SigningAlgorithm::value_variants())
        .unwrap()
}

#[track_caller]
fn says(answer: &crate::wire::Answer, what: &str) {
    let detail = answer.is_problem(401, "unauthenticated");
    assert!(detail.contains(what), "{detail}");
}

#[rstest]
#[case(Algorithm::RS256)]
#[case(Algorithm::PS256)]
#[case(Algorithm::ES256)]
#[case(Algorithm::ES384)]
#[case(Algorithm::EdDSA)]
#[case(Algorithm::HS256)]
#[tokio::test]
async fn a_token_is_checked_with_the_key_of_its_issuer(#[case] algorithm: Algorithm) {
    let issuer = Issuer::new(algorithm);
    let service = Service::start_checking(key_set(&issuer)).await;
    let claims = service.claims();
    assert_eq!(service.post_bearing(&issuer.sign(&claims)).await.status(), "200");

    let token = issuer.sign(&claims);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{signed}.{first}{}", &signature[1..]);
    says(&service.post_bearing(&changed).await, "signature does not fit");
}

#[rstest]
#[case(Algorithm::RS256)]
#[case(Algorithm::ES256)]
#[case(Algorithm::ES384)]
#[case(Algorithm::EdDSA)]
#[tokio::test]
async fn a_token_names_its_key_among_many(#[case] algorithm: Algorithm) {
    let (issuer, other) = (Issuer::new(algorithm), Issuer::new(algorithm));
    let service = Service::start_checking(jwks(&[other.jwk("old"), issuer.jwk("new")])).await;
    let claims = service.claims();
    let named = |kid: &'static str| move |header: &mut Header| header.kid = Some(kid.into());
    assert_eq!(service.post_bearing(&issuer.sign_as(named("new"), &claims)).await.status(), "200");
    says(&service.post_bearing(&issuer.sign_as(named("old"), &claims)).await, "signature does not fit");
    says(
        &service.post_bearing(&issuer.sign_as(named("made up"), &claims)).await,
        "key that the service does not have",
    );
}

#[tokio::test]
async fn a_key_is_used_with_its_own_algorithms_only() {
    let rsa = Issuer::new(Algorithm::RS256);
    let service = Service::start_checking(key_set(&rsa)).await;
    let claims = service.claims();
    let foreign = Issuer::new(Algorithm::ES256).sign(&claims);
    says(&service.post_bearing(&foreign).await, "another algorithm");
    // The oldest trick: what everybody has, the public key, as the secret of an HMAC.
    let confused = sign_hs256(&claims, rsa.key_file());
    says(&service.post_bearing(&confused).await, "signed with a secret");
}

#[tokio::test]
async fn a_secret_is_no_public_key() {
    let service = Service::start_checking(key_set(&Issuer::new(Algorithm::HS256))).await;
    let claims = service.claims();
    assert_eq!(service.post_bearing(&sign_hs256(&claims, SECRET)).await.status(), "200");
    says(&service.post_bearing(&sign_hs256(&claims, b"another one")).await, "signature does not fit");
    says(&service.post_bearing(&Issuer::new(Algorithm::EdDSA).sign(&claims)).await, "another algorithm");
}

type Change = fn(&mut Header);

/// Signed with the right key, and refused all the same.
#[rstest]
#[case::a_key_of_its_own(|h: &mut Header| h.jwk = Some(serde_json::from_value(Issuer::new(Algorithm::EdDSA).jwk("x")).unwrap()), "brings its own key")]
#[case::the_place_of_a_key(|h: &mut Header| h.jku = Some("https://mallory.example/keys".into()), "brings its own key")]
#[case::the_place_of_a_certificate(|h: &mut Header| h.x5u = Some("https://mallory.example/pem".into()), "brings its own key")]
#[case::a_certificate(|h: &mut Header| h.x5c = Some(vec!["AAAA".into()]), "brings its own key")]
#[case::an_extension(|h: &mut Header| h.crit = Some(vec!["b64".into()]), "extension that is not understood")]
#[case::an_empty_list_of_extensions(|h: &mut Header| h.crit = Some(vec![]), "extension that is not understood")]
#[tokio::test]
async fn a_header_that_asks_for_too_much_is_refused(#[case] change: Change, #[case] what: &str) {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let service = Service::start_checking(key_set(&issuer)).await;
    says(&service.post_bearing(&issuer.sign_as(change, &service.claims())).await, what);
}

#[rstest]
#[case::secret_in_public(json!({"kty": "oct", "k": "dGhpcnR5LXR3byBieXRlcyB0aGF0IG5vYm9keSBoYXM", "kid": "a"}))]
#[case::for_encryption(json!({"use": "enc"}))]
#[case::for_signing_only(json!({"key_ops": ["sign"]}))]
#[case::for_another_algorithm(json!({"alg": "ES384"}))]
#[case::an_unknown_kind(json!({"kty": "lattice"}))]
#[case::an_unknown_curve(json!({"crv": "secp256k1"}))]
fn a_jwk_that_signs_nothing_is_no_key(#[case] change: Value) {
    let mut jwk = Issuer::new(Algorithm::ES256).jwk("a");
    if change.get("k").is_some() {
        jwk = change;
    } else {
        jwk.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    }
    let set = |keys: &[&Value]| {
        KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes(), SigningAlgorithm::value_variants())
    };
    assert!(matches!(set(&[&jwk]), Err(KeyError::NoUsableKey { keys: 1, .. })), "{jwk}");
    // It does not keep another from being one.
    assert!(set(&[&jwk, &Issuer::new(Algorithm::ES256).jwk("b")]).is_ok());
}

#[test]
fn keys_that_are_none_say_what_would_be_right() {
    let text = |error: KeyError| error.to_string();
    assert_eq!(
        text(VerificationKey::from_secret(b"short\r\n").unwrap_err()),
        "the secret has 5 bytes; expected at least 32 (RFC 7518 §3.2), made at random"
    );
    assert!(text(VerificationKey::from_pem(b"nothing").unwrap_err()).contains("-----BEGIN PUBLIC KEY-----"));
    let all = SigningAlgorithm::value_variants();
    assert!(text(KeySet::from_jwks(b"[]", all).unwrap_err()).starts_with("not a JWK Set"));
    let rsa = VerificationKey::from_pem(Issuer::new(Algorithm::RS256).key_file()).unwrap();
    assert_eq!(
        text(KeySet::new(vec![rsa], &[SigningAlgorithm::EdDsa]).unwrap_err()),
        "of 1 keys none is for signatures with an allowed algorithm (EdDSA)"
    );
}
