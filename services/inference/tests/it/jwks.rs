//! Keys at a URL that change while the service runs, and whose server may be slow, wrong or away.

use std::time::Duration;

use inference::config::Config;
use inference::identity::{Change, KeyRefresh};
use jsonwebtoken::{Algorithm, Header};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::identity_provider::{Provider, Reply};
use crate::issuer::Issuer;
use crate::service::{NOW, Service, one_row};
use crate::wire::{Answer, NEVER, SHORT, within};

/// How long a key is refused a second look, by the default settings.
const COOLDOWN: u64 = 10;
/// How long keys are trusted without being seen again, by the default settings.
pub(crate) const MAX_AGE: u64 = 24 * 60 * 60;

/// A key under a name.
pub(crate) struct Key {
    name: &'static str,
    issuer: Issuer,
}

impl Key {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, issuer: Issuer::new(Algorithm::EdDSA) }
    }

    pub(crate) fn jwk(&self) -> Value {
        self.issuer.jwk(self.name)
    }

    pub(crate) fn token(&self, service: &Service) -> String {
        self.token_naming(service, self.name)
    }

    /// A token that says it was signed with the key of that name; it lasts longer than keys do.
    fn token_naming(&self, service: &Service, kid: &str) -> String {
        let mut claims = service.claims();
        claims["exp"] = json!(NOW + 10 * MAX_AGE);
        self.issuer.sign_as(|header: &mut Header| header.kid = Some(kid.to_owned()), &claims)
    }
}

fn published(keys: &[&Key]) -> Reply {
    Reply::keys(&keys.iter().map(|key| key.jwk()).collect::<Vec<_>>())
}

/// A service whose keys are the provider's; nobody fetches them until told to.
async fn service_of(provider: &Provider) -> (Service, KeyRefresh) {
    service_with(provider, |_| {}).await
}

async fn service_with(provider: &Provider, change: impl FnOnce(&mut Config)) -> (Service, KeyRefresh) {
    Service::start_with_source(|config| {
        config.identity.jwks = Some(provider.url.parse().unwrap());
        config.identity.refresh.jwks_refresh = NEVER;
        config.identity.refresh.jwks_timeout = NEVER;
        change(config);
    })
    .await
}

/// The same, and somebody does so: the first keys are there.
async fn fresh_service_of(provider: &Provider) -> Service {
    let (service, refresh) = service_of(provider).await;
    keep_fresh(refresh).await;
    service
}

async fn keep_fresh(refresh: KeyRefresh) {
    let keys = refresh.store();
    tokio::spawn(refresh.keep_fresh());
    within(keys.loaded()).await;
}

pub(crate) async fn status(service: &Service, token: &str) -> String {
    service.post_bearing(token).await.status().to_owned()
}

#[track_caller]
pub(crate) fn is_unknown(answer: &Answer) {
    let detail = answer.is_problem(401, "unauthenticated");
    assert!(detail.contains("a key that the service does not have"), "{detail}");
}

#[tokio::test]
async fn nobody_is_let_in_and_nothing_is_ready_before_there_are_keys() {
    let key = Key::new("a");
    let provider = Provider::start(Reply::Status(503)).await;
    let (service, mut refresh) = service_of(&provider).await;
    let token = key.token(&service);
    for _ in 0..2 {
        let answer = service.post_bearing(&token).await;
        answer.is_problem(503, "keys-stale");
        assert!(answer.head.contains("retry-after: 30\r\n"), "{answer:?}");
        assert!(!answer.head.contains("www-authenticate"), "the caller need not change anything: {answer:?}");
        assert_eq!(service.get("/v2/health/ready").await.status(), "503");
        assert!(refresh.refresh().await.is_err());
    }
    assert_eq!(service.get("/v2/health/live").await.status(), "200");
    // Keys that are none are none at the start; later they are a withdrawal.
    provider.says(published(&[]));
    assert!(refresh.refresh().await.is_err());
    assert_eq!(service.get("/v2/health/ready").await.status(), "503");
    provider.says(published(&[&key]));
    assert_eq!(refresh.refresh().await.unwrap(), Change::Changed);
    assert_eq!(service.get("/v2/health/ready").await.status(), "200");
    assert_eq!(status(&service, &token).await, "200");
}

#[tokio::test]
async fn keys_are_fetched_at_the_start_and_again_and_again() {
    let provider = Provider::start(published(&[&Key::new("a")])).await;
    let (_service, refresh) =
        service_with(&provider, |config| config.identity.refresh.jwks_refresh = Duration::from_millis(1))
            .await;
    keep_fresh(refresh).await;
    provider.was_asked(5).await;
}

#[tokio::test]
async fn a_token_of_a_new_key_waits_for_the_key() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::start(published(&[&old])).await;
    let service = fresh_service_of(&provider).await;
    provider.says(published(&[&old, &new]));
    assert_eq!(status(&service, &new.token(&service)).await, "200");
    assert_eq!(status(&service, &old.token(&service)).await, "200");
    assert_eq!(provider.times_asked(), 2);
}

#[tokio::test]
async fn a_flood_of_names_of_keys_causes_one_fetch_in_a_cooldown() {
    let key = Key::new("a");
    let provider = Provider::start(published(&[&key])).await;
    let service = fresh_service_of(&provider).await;
    for round in 0..3 {
        for name in 0..20 {
            let token = key.token_naming(&service, &format!("made up {name}"));
            is_unknown(&service.post_bearing(&token).await);
            assert_eq!(provider.times_asked(), 2 + round, "once at the start, once in a cooldown");
        }
        service.advance(COOLDOWN - 1);
        is_unknown(&service.post_bearing(&key.token_naming(&service, "too early")).await);
        assert_eq!(provider.times_asked(), 2 + round);
        service.advance(1);
    }
    assert_eq!(status(&service, &key.token(&service)).await, "200", "the right one is not kept waiting");
}

#[tokio::test]
async fn requests_wait_together_for_one_fetch_and_not_too_many() {
    const WAITING: usize = 256;
    const BEYOND: usize = 40;
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::start(published(&[&old])).await;
    let (service, refresh) = service_with(&provider, |config| config.listen.max_connections = 1000).await;
    keep_fresh(refresh).await;
    provider.says(published(&[&old, &new]));
    provider.hold();
    let body = one_row().to_string();
    let request = format!(
        "POST /api HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        new.token(&service),
        body.len()
    );
    let mut answers = JoinSet::new();
    for _ in 0..WAITING + BEYOND {
        let (mut wire, request) = (service.connect().await, request.clone());
        answers.spawn(async move { wire.ask(request).await });
    }
    for _ in 0..BEYOND {
        is_unknown(&within(answers.join_next()).await.unwrap().unwrap());
    }
    assert_eq!(status(&service, &old.token(&service)).await, "200", "a known key waits for nobody");
    provider.go_on();
    while let Some(answer) = within(answers.join_next()).await {
        assert_eq!(answer.unwrap().status(), "200");
    }
    assert_eq!(provider.times_asked(), 2);
}

#[tokio::test]
async fn a_request_waits_for_a_key_no_longer_than_a_fetch_may_take() {
    let key = Key::new("a");
    let provider = Provider::start(published(&[&key])).await;
    let (service, refresh) =
        service_with(&provider, |config| config.identity.refresh.jwks_timeout = SHORT).await;
    keep_fresh(refresh).await;
    provider.hold();
    is_unknown(&service.post_bearing(&key.token_naming(&service, "another")).await);
}

#[tokio::test]
async fn a_key_that_is_taken_out_stops_although_its_token_is_remembered() {
    let (leaves, stays) = (Key::new("leaves"), Key::new("stays"));
    let provider = Provider::start(published(&[&leaves, &stays])).await;
    let (service, mut refresh) = service_of(&provider).await;
    assert_eq!(refresh.refresh().await.unwrap(), Change::Changed);
    let tokens = [leaves.token(&service), stays.token(&service)];
    for token in &tokens {
        assert_eq!(status(&service, token).await, "200");
    }
    assert_eq!(refresh.refresh().await.unwrap(), Change::Unchanged);
    assert_eq!(status(&service, &tokens[0]).await, "200");
    provider.says(published(&[&stays]));
    assert_eq!(refresh.refresh().await.unwrap(), Change::Changed);
    tokio::spawn(refresh.keep_fresh());
    is_unknown(&service.post_bearing(&tokens[0]).await);
    assert_eq!(status(&service, &tokens[1]).await, "200");
}

#[tokio::test]
async fn another_key_under_the_same_name_ends_what_was_remembered_of_both() {
    let (first, second) = (Key::new("a"), Key::new("a"));
    let provider = Provider::start(published(&[&first])).await;
    let (service, mut refresh) = service_of(&provider).await;
    refresh.refresh().await.unwrap();
    let tokens = [first.token(&service), second.token(&service)];
    assert_eq!([status(&service, &tokens[0]).await, status(&service, &tokens[1]).await], ["200", "401"]);
    provider.says(published(&[&second]));
    refresh.refresh().await.unwrap();
    // The refusal of the second one would be remembered for ten seconds more.
    assert_eq!([status(&service, &tokens[0]).await, status(&service, &tokens[1]).await], ["401", "200"]);
}

#[tokio::test]
async fn an_issuer_that_takes_back_all_of_its_keys_is_heard() {
    let key = Key::new("a");
    let provider = Provider::start(published(&[&key])).await;
    let (service, mut refresh) = service_of(&provider).await;
    refresh.refresh().await.unwrap();
    let token = key.token(&service);
    assert_eq!(status(&service, &token).await, "200");
    provider.says(published(&[]));
    assert_eq!(refresh.refresh().await.unwrap(), Change::Changed);
    tokio::spawn(refresh.keep_fresh());
    is_unknown(&service.post_bearing(&token).await);
    service.advance(COOLDOWN);
    provider.says(published(&[&key]));
    assert_eq!(status(&service, &token).await, "200");
}

#[rstest]
#[case::an_error(Reply::Status(500), "answered 500 Internal Server Error; expected 200")]
#[case::elsewhere(Reply::Status(404), "answered 404 Not Found; expected 200")]
#[case::no_json(Reply::Bytes(b"<html>".to_vec()), "not a JWK Set")]
#[case::too_long(Reply::Bytes(vec![b' '; 256 * 1024 + 1]), "longer than 262144 bytes")]
#[case::too_slow(Reply::Half, "no whole answer within 0.2 s (--jwks-timeout)")]
#[tokio::test]
async fn an_answer_that_is_not_keys_changes_nothing(#[case] reply: Reply, #[case] says: &str) {
    let key = Key::new("a");
    let provider = Provider::start(published(&[&key])).await;
    let (service, mut refresh) =
        service_with(&provider, |config| config.identity.refresh.jwks_timeout = SHORT).await;
    refresh.refresh().await.unwrap();
    provider.says(reply);
    let error = within(refresh.refresh()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("--jwks {}: ", provider.url)) && error.contains(says), "{error}");
    assert_eq!(status(&service, &key.token(&service)).await, "200");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Provider::start(published(&[&Key::new("a")])).await;
    let provider = Provider::start(Reply::Redirect(elsewhere.url.clone())).await;
    let (_service, mut refresh) = service_of(&provider).await;
    let error = refresh.refresh().await.unwrap_err().to_string();
    assert!(error.contains("answered 302 Found") && error.contains("redirects are not followed"), "{error}");
    assert_eq!(elsewhere.times_asked(), 0);
}

#[tokio::test]
async fn the_largest_answer_is_read() {
    let key = Key::new("a");
    let mut bytes = json!({ "keys": [key.jwk()] }).to_string().into_bytes();
    bytes.resize(256 * 1024, b' ');
    let provider = Provider::start(Reply::Bytes(bytes)).await;
    let (_service, mut refresh) = service_of(&provider).await;
    assert_eq!(refresh.refresh().await.unwrap(), Change::Changed);
}

#[tokio::test]
async fn keys_go_on_without_their_issuer_until_they_are_too_old() {
    let key = Key::new("a");
    let provider = Provider::start(published(&[&key])).await;
    let (service, mut refresh) = service_of(&provider).await;
    refresh.refresh().await.unwrap();
    let token = key.token(&service);
    provider.says(Reply::Status(500));
    // A remembered token and one that is not are judged alike: a minute after it was verified none is remembered.
    for (later, answer) in [(0, "200"), (MAX_AGE - 1, "200"), (1, "200"), (1, "503"), (COOLDOWN, "503")] {
        service.advance(later);
        assert!(refresh.refresh().await.is_err());
        assert_eq!(status(&service, &token).await, answer, "{later} s later");
    }
    assert_eq!(
        service.get("/v2/health/ready").await.status(),
        "200",
        "callers are to be told, not sent away"
    );
    provider.says(published(&[&key]));
    assert_eq!(refresh.refresh().await.unwrap(), Change::Unchanged);
    assert_eq!(status(&service, &token).await, "200");
}

#[tokio::test]
async fn keys_are_as_old_as_the_question_and_not_as_the_answer() {
    const ON_THE_WAY: u64 = 100;
    let key = Key::new("a");
    let provider = Provider::start(published(&[&key])).await;
    let (service, mut refresh) = service_of(&provider).await;
    provider.hold();
    let fetching = tokio::spawn(async move { refresh.refresh().await });
    provider.was_asked(1).await;
    service.advance(ON_THE_WAY);
    provider.go_on();
    within(fetching).await.unwrap().unwrap();
    for (later, answer) in [(MAX_AGE - ON_THE_WAY, "200"), (1, "503")] {
        service.advance(later);
        assert_eq!(status(&service, &key.token(&service)).await, answer);
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_is_given_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours.pem"), folder.path().join("theirs.pem"));
    let provider = Provider::start_behind_tls(published(&[&Key::new("a")]), &ours).await;
    let _other = Provider::start_behind_tls(published(&[]), &theirs).await;
    for (ca, right) in [(Some(&ours), true), (Some(&theirs), false), (None, false)] {
        let (_service, mut refresh) =
            service_with(&provider, |config| config.identity.refresh.jwks_ca = ca.cloned()).await;
        let refreshed = refresh.refresh().await;
        assert_eq!(refreshed.is_ok(), right, "{refreshed:?}");
        if let Err(error) = refreshed {
            assert!(error.to_string().contains("invalid peer certificate"), "{error}");
        }
    }
    assert_eq!(provider.times_asked(), 1);
}
