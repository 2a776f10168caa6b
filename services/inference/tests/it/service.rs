//! The whole API on a real socket, with a key, a clock and a token of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use clap::Parser;
use inference::admin::Probes;
use inference::admission::{Admission, Classes, Ticks};
use inference::api;
use inference::config::Config;
use inference::dev::DevKey;
use inference::drain::Drain;
use inference::identity::{
    Authenticator, ClientCertificate, Clock, KeyRefresh, KeySet, KeySource, KeyStore, TokenCache, Verifier,
};
use inference::listen::{ListenConfig, Peer};
use inference::model::ModelStore;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::wire::{Answer, Server, Wire, patient, slow_end};

/// When the tests take place.
pub(crate) const NOW: u64 = 1_800_000_000;

/// The settings of a service without a word on the command line.
pub(crate) fn defaults() -> Config {
    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        config: Config,
    }
    CommandLine::parse_from(["inference"]).config
}

pub(crate) struct Service {
    pub(crate) server: Server,
    pub(crate) key: DevKey,
    pub(crate) token: String,
    pub(crate) config: Config,
    times: Times,
}

/// The times that a service goes by, which stand still until a test moves them.
#[derive(Clone)]
struct Times {
    seconds: Arc<AtomicU64>,
    nanos: Arc<AtomicU64>,
}

impl Default for Times {
    fn default() -> Self {
        Self { seconds: Arc::new(AtomicU64::new(NOW)), nanos: Arc::default() }
    }
}

impl Times {
    fn clock(&self) -> Clock {
        Clock::Manual(self.seconds.clone())
    }

    fn ticks(&self) -> Ticks {
        Ticks::Manual(self.nanos.clone())
    }
}

/// The settings of a service that waits for tests, but for what is `change`d.
fn settings(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = defaults();
    config.listen = ListenConfig { header_bytes: config.listen.header_bytes, ..patient() };
    change(&mut config);
    config
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with_keys(settings(change), None, Times::default(), |stack| stack).await
    }

    /// A service whose connections all have this certificate.
    pub(crate) async fn start_behind_tls(
        change: impl FnOnce(&mut Config),
        certificate: Option<ClientCertificate>,
    ) -> Self {
        let certificate = certificate.map(Arc::new);
        let proved = map_request(move |mut request: Request| {
            let certificate = certificate.clone();
            async move {
                request.extensions_mut().get_mut::<Peer>().unwrap().certificate = certificate;
                request
            }
        });
        Self::start_with_keys(settings(change), None, Times::default(), |stack| stack.layer(proved)).await
    }

    /// A service that checks tokens with these keys and not with its own.
    pub(crate) async fn start_checking(keys: KeySet) -> Self {
        Self::start_with_keys(settings(|_| {}), Some(keys.into()), Times::default(), |stack| stack).await
    }

    /// A service whose keys come from where the settings say, and what keeps them up to date when told to.
    pub(crate) async fn start_with_source(change: impl FnOnce(&mut Config)) -> (Self, KeyRefresh) {
        let (config, times) = (settings(change), Times::default());
        let source = KeySource::of(&config.identity).unwrap();
        let refresh =
            KeyRefresh::start(source, &config.identity, times.clock(), times.ticks()).await.unwrap();
        let service = Self::start_with_keys(config, Some(refresh.store()), times, |stack| stack).await;
        (service, refresh)
    }

    async fn start_with_keys(
        config: Config,
        keys: Option<KeyStore>,
        times: Times,
        wrap: impl FnOnce(Router) -> Router,
    ) -> Self {
        inference::crypto::install_provider();
        let clock = times.clock();
        let key = DevKey::generate().unwrap();
        let token = key.token("tester", &config.identity, &clock).unwrap();
        let classes = Arc::new(Classes::load(config.admission.quota_classes.as_deref()).unwrap());
        let keys = keys.unwrap_or_else(|| key.verification().into());
        let verifier =
            Verifier::new(keys.clone(), &config.identity, clock).with_classes(Arc::clone(&classes));
        let cache =
            TokenCache::new(config.identity.token_cache_entries, config.identity.token_cache_age.as_secs());
        let probes = Probes::new(&Drain::manual(&slow_end())).with_keys(keys);
        probes.set_ready(true);
        let stack = api::stack(
            &config.api,
            &config.listen,
            ModelStore::load(&config.model).unwrap(),
            probes,
            Authenticator::new(config.identity.policy, verifier, cache.unwrap()),
            Arc::new(Admission::new(&config.admission, &classes, times.ticks())),
        );
        let server = Server::start(config.listen.clone(), wrap(stack)).await;
        Self { server, key, token, config, times }
    }

    pub(crate) async fn connect(&self) -> Wire {
        self.server.connect().await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.times.seconds.fetch_add(seconds, Ordering::Relaxed);
        self.times.nanos.fetch_add(seconds * 1_000_000_000, Ordering::Relaxed);
    }

    /// Header lines of a request with the token and a JSON body of this length.
    pub(crate) fn head(&self, path: &str, length: usize) -> String {
        let token = &self.token;
        format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n"
        )
    }

    /// Sends a whole request, with the token, on a connection of its own.
    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let mut wire = self.connect().await;
        wire.ask([format!("{}\r\n", self.head(path, body.len())).as_bytes(), body].concat()).await
    }

    /// The same without a body.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let token = &self.token;
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\r\n");
        self.connect().await.ask(request).await
    }

    /// What `POST /api` answers to this token.
    pub(crate) async fn post_bearing(&self, token: &str) -> Answer {
        self.post_with_token(&format!("authorization: Bearer {token}\r\n")).await
    }

    /// What `POST /api` answers to these header lines.
    pub(crate) async fn post_with_token(&self, authorization: &str) -> Answer {
        let body = one_row().to_string();
        let head = format!(
            "POST /api HTTP/1.1\r\nhost: test\r\n{authorization}content-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.connect().await.ask(head).await
    }

    /// A token with these claims, signed with the service's key.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.key.sign(&Header::new(Algorithm::EdDSA), claims).unwrap()
    }

    /// Claims that are accepted now.
    pub(crate) fn claims(&self) -> Value {
        let identity = &self.config.identity;
        json!({"iss": identity.jwt_issuer, "aud": identity.jwt_audience, "sub": "tester", "exp": NOW + 100})
    }
}

/// A body that is answered.
pub(crate) fn one_row() -> Value {
    let mut row = vec![0; 37];
    (row[0], row[23], row[25]) = (1, 1, 1);
    json!({ "array": row })
}

/// A token signed with HS256 under `secret`.
pub(crate) fn sign_hs256(claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).unwrap()
}

pub(crate) const SOON: Duration = Duration::from_millis(200);

impl Answer {
    /// Fails unless this is a problem document with this status and code; gives its detail.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        assert_eq!(
            (self.status(), problem["code"].as_str()),
            (status.to_string().as_str(), Some(code)),
            "{self:?}"
        );
        assert!(self.head.contains("content-type: application/problem+json\r\n"), "{self:?}");
        assert_eq!(problem["type"], format!("urn:puntual:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["error"], problem["detail"]);
        problem["detail"].as_str().expect("a detail").to_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status(), "200", "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}
