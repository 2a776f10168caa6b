//! Files with keys that change while the service runs.

use std::time::Duration;

use inference::identity::{Change, JwksLocation, SigningAlgorithm};
use jsonwebtoken::Algorithm;
use rstest::rstest;
use serde_json::json;

use crate::issuer::Issuer;
use crate::jwks::{Key, MAX_AGE, is_unknown, status};
use crate::service::Service;
use crate::wire::within;

#[tokio::test]
async fn a_file_is_read_again() {
    let (first, second) = (Key::new("first"), Key::new("second"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let write = |keys: &[&Key]| {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        std::fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    };
    write(&[&first]);
    let (service, refresh) = Service::start_with_source(|config| {
        config.identity.jwks = Some(JwksLocation::File(file.clone()));
        config.identity.refresh.keys_poll = Duration::from_millis(1);
    })
    .await;
    let tokens = [first.token(&service), second.token(&service)];
    assert_eq!([status(&service, &tokens[0]).await, status(&service, &tokens[1]).await], ["200", "401"]);
    tokio::spawn(refresh.keep_fresh());
    write(&[&second]);
    within(async { while status(&service, &tokens[1]).await != "200" {} }).await;
    is_unknown(&service.post_bearing(&tokens[0]).await);
    service.advance(10 * MAX_AGE - 1);
    assert_eq!(status(&service, &tokens[1]).await, "200", "a file does not grow too old");
}

#[rstest]
#[case::of_a_jwk_set(b"no keys", "not a JWK Set")]
#[case::half_written(b"{\"keys\":[", "not a JWK Set")]
#[tokio::test]
async fn a_bad_file_changes_nothing(#[case] content: &[u8], #[case] says: &str) {
    let key = Key::new("a");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, json!({ "keys": [key.jwk()] }).to_string()).unwrap();
    let (service, mut refresh) =
        Service::start_with_source(|config| config.identity.jwks = Some(JwksLocation::File(file.clone())))
            .await;
    std::fs::write(&file, content).unwrap();
    let error = refresh.refresh().await.unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    std::fs::remove_file(&file).unwrap();
    let error = refresh.refresh().await.unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
    assert_eq!(status(&service, &key.token(&service)).await, "200");
}

/// A PEM file of a kind that no token may be signed with is a mistake and not a withdrawal.
#[tokio::test]
async fn a_single_key_is_replaced_by_the_next_that_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issuer.pem");
    let [first, second] = [(); 2].map(|()| Issuer::new(Algorithm::ES256));
    std::fs::write(&file, first.key_file()).unwrap();
    let (service, mut refresh) = Service::start_with_source(|config| {
        config.identity.jwt_public_key = Some(file.clone());
        config.identity.jwt_algorithms = vec![SigningAlgorithm::Es256];
    })
    .await;
    let tokens = [first.sign(&service.claims()), second.sign(&service.claims())];
    assert_eq!([status(&service, &tokens[0]).await, status(&service, &tokens[1]).await], ["200", "401"]);
    std::fs::write(&file, Issuer::new(Algorithm::EdDSA).key_file()).unwrap();
    let error = refresh.refresh().await.unwrap_err().to_string();
    assert!(error.contains("none is for signatures with an allowed algorithm (ES256)"), "{error}");
    assert_eq!(status(&service, &tokens[0]).await, "200");
    std::fs::write(&file, second.key_file()).unwrap();
    assert_eq!(refresh.refresh().await.unwrap(), Change::Changed);
    assert_eq!([status(&service, &tokens[0]).await, status(&service, &tokens[1]).await], ["401", "200"]);
}
