//! Tokens that nobody should be let in with.

use std::net::SocketAddr;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::watch::{Heard, Row, Watch, post};
use crate::development::Development;

/// The attack, what is sent, and how the token is made.
type Attack = (&'static str, &'static str, &'static [&'static str]);

/// Signed with the service's own key: what is wrong is what the token says.
const SIGNED: &[Attack] = &[
    (
        "a key in the token",
        "a `jwk` in the header",
        &["--header", r#"jwk={"kty":"RSA","n":"AQAB","e":"AQAB"}"#],
    ),
    ("a key by address", "a `jku` in the header", &["--header", "jku=https://mallory.example/keys"]),
    ("a certificate by address", "an `x5u` in the header", &["--header", "x5u=https://mallory.example/cert"]),
    ("an unknown extension", "`crit` with `b64`", &["--header", r#"crit=["b64"]"#, "--header", "b64=false"]),
    ("expired", "`exp` an hour ago", &["--expires-in=-1h"]),
    ("no end", "no `exp`", &["--claim", "exp=null"]),
    ("not yet valid", "`nbf` in an hour", &["--not-before-in", "1h"]),
    ("another issuer", "`iss` of mallory", &["--issuer", "mallory"]),
    ("another audience", "`aud` of another service", &["--audience", "another"]),
    ("nobody", "no `sub`", &["--claim", "sub=null"]),
    ("an empty name", "`sub` is empty", &["--subject", ""]),
];

pub(super) fn try_all(development: &Development) -> anyhow::Result<Vec<Row>> {
    development.make_key("RS256", "issuer")?;
    development.make_key("RS256", "stranger")?;
    let public = development.file("issuer.pub.pem")?;
    let service = development.start(&["--mode", "production", "--jwt-public-key", &public])?;
    let mut watch = Watch::of(&service);
    let body = development.body.as_str();
    let right = development.token("issuer.key.pem", &[])?;
    watch.control("a token of the issuer", |api| bear(api, &right, body))?;

    headers(&mut watch, &right, body)?;
    let with = |options| development.token("issuer.key.pem", options);
    let (signed, signature) = right.rsplit_once('.').context("a token has three parts")?;
    let (_, claims) = signed.split_once('.').context("a token has three parts")?;
    let unsigned = format!("{}.{claims}.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    watch.attack("alg none", "the issuer's claims, `alg` none, no signature", |api| {
        bear(api, &unsigned, body)
    })?;
    let confused = development.token("issuer.pub.pem", &["--algorithm", "HS256"])?;
    watch.attack("algorithm confusion", "HS256, the public key as its secret", |api| {
        bear(api, &confused, body)
    })?;
    let changed = format!("{signed}.{}", first_changed(signature));
    watch.attack("a signature that does not fit", "the issuer's token, its signature changed", |api| {
        bear(api, &changed, body)
    })?;
    let strange = development.token("stranger.key.pem", &[])?;
    watch.attack("another's key", "right claims, signed by a stranger", |api| bear(api, &strange, body))?;
    for (attack, sent, options) in SIGNED.iter().copied() {
        let token = with(options)?;
        watch.attack(attack, sent, |api| bear(api, &token, body))?;
    }
    Ok([watch.rows(), by_name(development, body)?].concat())
}

/// What is wrong with the field and not with the token.
fn headers(watch: &mut Watch, right: &str, body: &str) -> anyhow::Result<()> {
    let bearer = format!("Bearer {right}");
    let large = format!("Bearer {}", "x".repeat(9_000));
    watch.attack("no credentials", "no Authorization", |api| post(api, &[], body))?;
    watch.attack("two tokens", "Authorization twice, both right", |api| {
        post(api, &[("authorization", &bearer), ("authorization", &bearer)], body)
    })?;
    watch.attack("another scheme", "`Basic`", |api| {
        post(api, &[("authorization", "Basic bWFsbG9yeTptYWxsb3J5")], body)
    })?;
    watch.attack("no token", "`Bearer` and nothing after it", |api| {
        post(api, &[("authorization", "Bearer")], body)
    })?;
    watch.attack("not a token", "`Bearer abc`", |api| bear(api, "abc", body))?;
    watch.attack("a flood in one token", "a token of 9,000 bytes", |api| {
        post(api, &[("authorization", &large)], body)
    })
}

/// Where keys have names.
fn by_name(development: &Development, body: &str) -> anyhow::Result<Vec<Row>> {
    let jwks = development.write("keys.json", &development.jwks(&["issuer"])?)?;
    let service = development.start(&["--mode", "production", "--jwks", &jwks])?;
    let mut watch = Watch::of(&service);
    let right = development.token("issuer.key.pem", &[])?;
    watch.control("a token of the issuer's key, by its name", |api| bear(api, &right, body))?;
    let unknown = development.token("stranger.key.pem", &[])?;
    watch.attack("an unknown key", "a `kid` that is not in the JWK Set", |api| bear(api, &unknown, body))?;
    let named = development.token("stranger.key.pem", &["--kid", "issuer"])?;
    watch.attack(
        "another's key under the issuer's name",
        "the issuer's `kid`, signed by a stranger",
        |api| bear(api, &named, body),
    )?;
    Ok(watch.rows())
}

/// Another text of the same alphabet and length.
fn first_changed(signature: &str) -> String {
    let first = if signature.starts_with('A') { "B" } else { "A" };
    signature.chars().skip(1).fold(first.to_owned(), |changed, symbol| changed + &symbol.to_string())
}

/// Posts with this token.
pub(super) fn bear(api: SocketAddr, token: &str, body: &str) -> anyhow::Result<Heard> {
    post(api, &[("authorization", &format!("Bearer {token}"))], body)
}
