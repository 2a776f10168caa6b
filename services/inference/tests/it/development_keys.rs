//! `inference keys` and `inference token`: what they make works, is kept from others, and is never made beside a
//! production service.

use std::fs;
use std::path::Path;

use clap::ValueEnum as _;
use inference::identity::{KeySet, SigningAlgorithm, VerificationKey};
use rstest::rstest;
use serde_json::json;

use crate::made::{Folder, claims_of, header_of, made, refused};
use crate::running::Running;
use crate::service::{NOW, Service, one_row};

/// The time of the tests, as the service has it.
fn until_later() -> String {
    format!("exp={}", NOW + 100)
}

fn public_key(folder: &Folder, file: &str) -> KeySet {
    VerificationKey::from_pem(&folder.read(file)).unwrap().into()
}

#[rstest]
#[case("RS256")]
#[case("PS256")]
#[case("ES256")]
#[case("ES384")]
#[case("EdDSA")]
#[tokio::test]
async fn a_made_key_signs_what_its_public_half_verifies(#[case] algorithm: &str) {
    let folder = Folder::new();
    folder.signing(algorithm);
    let name = algorithm.to_lowercase();
    let (private, public) = (format!("{name}.key.pem"), format!("{name}.pub.pem"));
    assert_eq!(folder.files(), [private.clone(), public.clone()]);
    assert_eq!((folder.mode(&private), folder.mode(&public)), (0o600, 0o644));

    // What an RSA key signs with is said in a JWK Set, here PS256, and not in PEM.
    let token = folder.token(&private, &["--algorithm", algorithm, "--claim", &until_later()]);
    assert_eq!(header_of(&token), json!({"alg": algorithm, "kid": name, "typ": "JWT"}));
    let jwks = made(&["keys", "jwks", "--rsa", "PS256", &folder.arg(&public)]);
    assert_eq!(made(&["keys", "jwks", "--rsa", "PS256", &folder.arg(&private)]), jwks, "of either half");
    let of_jwks = KeySet::from_jwks(jwks.as_bytes(), SigningAlgorithm::value_variants()).unwrap();
    let status =
        async |keys| Service::start_checking(keys).await.post_bearing(&token).await.status().to_owned();
    assert_eq!(status(public_key(&folder, &public)).await, "200");
    assert_eq!(status(of_jwks).await, if algorithm == "RS256" { "401" } else { "200" });
}

#[tokio::test]
async fn a_made_secret_signs_what_it_verifies_and_is_never_published() {
    let folder = Folder::new();
    folder.signing("hs256");
    assert_eq!(folder.files(), ["hs256.secret"]);
    assert_eq!(folder.mode("hs256.secret"), 0o600);
    let token = folder.token("hs256.secret", &["--algorithm", "HS256", "--claim", &until_later()]);
    let secret = VerificationKey::from_secret(&folder.read("hs256.secret")).unwrap();
    let service = Service::start_checking(secret.into()).await;
    assert_eq!(service.post_bearing(&token).await.status(), "200");
    assert!(refused(&["keys", "jwks", &folder.arg("hs256.secret")]).contains("not a public key"));
    assert!(refused(&["token", "--key", &folder.arg("hs256.secret")]).contains("not a private key"));
}

#[tokio::test]
async fn a_key_and_a_token_work_as_they_are_made_with_the_binary_in_production_mode() {
    let folder = Folder::new();
    made(&["keys", "signing", &folder.arg("")]);
    let service =
        Running::start(&["--mode", "production", "--jwt-public-key", &folder.arg("es256.pub.pem")]).await;
    let token = folder.token("es256.key.pem", &[]);
    let body = one_row().to_string();
    let request = format!(
        "POST /api HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(service.connect().await.ask(request).await.status(), "200");
}

#[test]
fn a_token_says_what_is_asked_for() {
    let folder = Folder::new();
    folder.signing("EdDSA");
    let claims = |words: &[&str]| claims_of(&folder.token("eddsa.key.pem", words));
    let usual = claims(&[]);
    let issued = usual["iat"].as_u64().unwrap();
    let expected = json!({
        "iss": "puntual-development", "aud": "puntual", "sub": "developer", "iat": issued, "exp": issued + 3600
    });
    assert_eq!(usual, expected);

    let other = claims(&[
        "--subject",
        "acme",
        "--issuer",
        "i",
        "--audience",
        "a",
        "--expires-in=-2min",
        "--not-before-in",
        "5s",
        "--claim",
        "tier=gold",
        "--claim",
        "rows=[1]",
        "--claim",
        "iat=1",
        "--claim",
        "aud=null",
    ]);
    let (ends, begins) = (other["exp"].as_u64().unwrap(), other["nbf"].as_u64().unwrap());
    assert_eq!(begins - ends, 125);
    let expected = json!({
        "iss": "i", "sub": "acme", "iat": 1, "exp": ends, "nbf": begins, "tier": "gold", "rows": [1]
    });
    assert_eq!(other, expected);

    let changes =
        ["--kid", "k", "--header", "typ=null", "--header", r#"crit=["b64"]"#, "--header", "alg=none"];
    let header = header_of(&folder.token("eddsa.key.pem", &changes));
    assert_eq!(header, json!({"alg": "none", "kid": "k", "crit": ["b64"]}));
}

#[tokio::test]
async fn an_attack_can_be_made_and_is_refused() {
    let folder = Folder::new();
    folder.signing("RS256");
    let service = Service::start_checking(public_key(&folder, "rs256.pub.pem")).await;
    // The public key, which everybody has, as the secret of an HMAC.
    let confused = folder.token("rs256.pub.pem", &["--algorithm", "HS256", "--claim", &until_later()]);
    let detail = service.post_bearing(&confused).await.is_problem(401, "unauthenticated");
    assert!(detail.contains("signed with a secret"), "{detail}");
    let elsewhere = ["--claim", &until_later(), "--header", "jku=https://mallory.example/keys"];
    let detail = service.post_bearing(&folder.token("rs256.key.pem", &elsewhere)).await;
    assert!(detail.is_problem(401, "unauthenticated").contains("brings its own key"));
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new();
    folder.signing("ES256");
    let before = folder.read("es256.key.pem");
    assert!(refused(&["keys", "signing", &folder.arg("")]).contains("es256.key.pem: exists already"));
    made(&["keys", "signing", &folder.arg(""), "--name", "new"]);
    // One of the files is enough, and none of the others is written then.
    fs::write(folder.path("crl.pem"), "mine").unwrap();
    assert!(refused(&["keys", "ca", &folder.arg("")]).contains("crl.pem: exists already"));
    assert_eq!(folder.read("es256.key.pem"), before);
    assert_eq!(folder.files(), ["crl.pem", "es256.key.pem", "es256.pub.pem", "new.key.pem", "new.pub.pem"]);
}

#[rstest]
#[case::signing(&["keys", "signing", "made"])]
#[case::jwks(&["keys", "jwks", "made"])]
#[case::ca(&["keys", "ca", "made"])]
#[case::revoke(&["keys", "revoke", "made", "client.pem"])]
#[case::token(&["token", "--key", "made"])]
fn nothing_is_made_beside_a_production_service(#[case] arguments: &[&str]) {
    let said = refused(&[arguments, &["--mode", "production"]].concat());
    assert!(said.contains("must not get near a production service"), "{said}");
    assert!(!Path::new("made").exists());
}

#[rstest]
#[case::no_file(&["token", "--key", "/nowhere/key"], "/nowhere/key: No such file")]
#[case::no_key(&["token", "--key", "Cargo.toml"], "Cargo.toml: not a private key; expected PEM")]
#[case::no_time(&["token", "--key", "k", "--expires-in", "soon"], "--expires-in")]
#[case::no_member(&["token", "--key", "k", "--claim", "sub"], "expected NAME=JSON")]
#[case::no_public_key(&["keys", "jwks", "Cargo.toml"], "Cargo.toml: not a public key; expected PEM")]
#[case::no_folder(&["keys", "signing", "Cargo.toml"], "Cargo.toml: File exists")]
#[case::no_name(&["keys", "ca", "unmade", "--client", ""], "--client : expected a SPIFFE id")]
#[case::no_ascii(&["keys", "ca", "unmade", "--client", "ü"], "--client ü: expected ASCII")]
#[case::no_authority(&["keys", "revoke", "/nowhere", "c.pem"], "/nowhere/ca.pem: No such file")]
fn says_what_would_be_right(#[case] arguments: &[&str], #[case] says: &str) {
    let said = refused(arguments);
    assert!(said.contains(says), "{said}");
    assert!(!Path::new("unmade").exists());
}

#[test]
fn a_key_is_not_used_with_the_algorithm_of_another() {
    let folder = Folder::new();
    folder.signing("ES256");
    let said = refused(&["token", "--key", &folder.arg("es256.key.pem"), "--algorithm", "RS256"]);
    assert!(said.contains("the key signs with ES256; --algorithm is RS256"), "{said}");
    assert!(
        refused(&[
            "token",
            "--key",
            &folder.arg("es256.key.pem"),
            "--bound-to",
            &folder.arg("es256.pub.pem")
        ])
        .contains("es256.pub.pem: expected a certificate in PEM")
    );
}
