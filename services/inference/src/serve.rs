//! `inference`: the service from its settings to its end. Puts the parts together in order; decides nothing itself.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use strum::IntoEnumIterator;

use crate::admin::{self, Probes};
use crate::admission::{Admission, Classes, ClassesError, Ticks};
use crate::api;
use crate::config::{Config, ConfigError, Mode};
use crate::dev::{self, DevKey, DevKeyError};
use crate::drain::{Drain, Phase};
use crate::identity::{
    Authenticator, Clock, IdentityConfig, KeyRefresh, KeySet, KeySource, KeySourceError, KeyStore, Method,
    Policy, Refusal, TokenCache, Verifier,
};
use crate::listen::{self, ListenError, Listener};
use crate::model::{ModelError, ModelStore};
use crate::ready_file;
use crate::telemetry::events::PeerLimited;
use crate::telemetry::{Declared, Telemetry, TelemetryError, metrics};
use crate::tls::{CertificateRefusal, Tls, TlsError};

/// Why the service did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings that contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logs, traces or metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The model.
    #[error("the model is refused: {0}")]
    Model(#[from] ModelError),
    /// The issuer's keys.
    #[error(transparent)]
    Keys(#[from] KeySourceError),
    /// The files of TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The quota classes.
    #[error("--quota-classes: {0}")]
    Classes(#[from] ClassesError),
    /// The development key.
    #[error(transparent)]
    DevKey(#[from] DevKeyError),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Threads, signals, randomness or the ready file.
    #[error("{what}: {source}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Serves until the service is told to end. Returns failure with the reason on standard error.
#[must_use]
pub fn exit(config: &Config) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.map_err(system("the runtime")).and_then(|runtime| runtime.block_on(run(config)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: &Config) -> Result<(), ServeError> {
    config.check()?;
    let telemetry = Telemetry::start(&config.telemetry)?;
    #[cfg(feature = "faults")]
    tracing::warn!("this build does PUT /fault on the admin listener: it is for tests alone");
    let model = ModelStore::load(&config.model)?;
    let tls = Tls::load(&config.tls, Clock::System)?;
    let drain = Drain::on_signals(&config.drain).map_err(system("the signal handlers"))?;
    let keys = Keys::load(config).await?;
    let probes = Probes::new(&drain).with_keys(keys.store());
    let classes = Arc::new(Classes::load(config.admission.quota_classes.as_deref())?);
    with_declared(&model, &classes, metrics::declare);

    let identity = authenticator(keys.store(), &config.identity, Arc::clone(&classes))?;
    let admission = Arc::new(Admission::new(&config.admission, &classes, Ticks::Since(Instant::now())));
    tokio::spawn(Arc::clone(&admission).keep_swept());
    let stack = api::stack(&config.api, &config.listen, model.clone(), probes.clone(), identity, admission);
    let listener = Listener::bind(&config.listen).await?.secured_by(tls.clone());
    let admin = admin::serve(&config.admin, probes.clone(), telemetry.metrics())?;
    tokio::spawn(model.clone().keep_fresh());
    if let Some(tls) = tls {
        tokio::spawn(tls.keep_fresh());
    }

    // The model reproduced its golden answers when it was loaded: nothing else would be accepted.
    probes.set_ready(true);
    let api = listener.local_addr();
    let store = keys.store();
    let announced = async {
        tokio::select! {
            () = store.loaded() => announce(config, &keys, &model, api, admin.local_addr()),
            () = drain.wait_for(Phase::Grace) => Ok(()),
        }
    };
    // Liveness and health are answered also while keys are waited for.
    let served = async { Ok(listener.serve(stack, drain.clone()).await) };
    tokio::try_join!(served, announced)?;
    admin.stop().await;
    // Blocks until the collector has the last spans, or the bound is over. Spans that are lost are no reason to call a
    // clean drain a failure.
    let flushed = tokio::task::spawn_blocking(|| telemetry.flush()).await;
    match flushed {
        Ok(Ok(())) => {}
        Ok(Err(lost)) => tracing::warn!(%lost, "the last spans were not exported"),
        Err(panic) => tracing::error!(%panic, "the last flush failed"),
    }
    Ok(())
}

/// What tokens are checked with, and in development mode signed with.
enum Keys {
    Given(KeyStore),
    Made(DevKey),
    /// No token is a proof.
    None,
}

impl Keys {
    async fn load(config: &Config) -> Result<Self, ServeError> {
        match (config.mode, KeySource::of(&config.identity)) {
            (Mode::Development, _) => Ok(Self::Made(DevKey::generate()?)),
            (Mode::Production, Some(source)) => {
                let ticks = Ticks::Since(Instant::now());
                let refresh = KeyRefresh::start(source, &config.identity, Clock::System, ticks).await?;
                let store = refresh.store();
                tokio::spawn(refresh.keep_fresh());
                Ok(Self::Given(store))
            }
            (Mode::Production, None) if config.identity.policy == Policy::Mtls => Ok(Self::None),
            (Mode::Production, None) => Err(ConfigError::NoKey.into()),
        }
    }

    fn store(&self) -> KeyStore {
        match self {
            Self::Made(key) => key.verification().into(),
            Self::Given(store) => store.clone(),
            Self::None => KeySet::default().into(),
        }
    }
}

fn authenticator(
    keys: KeyStore,
    config: &IdentityConfig,
    classes: Arc<Classes>,
) -> Result<Authenticator, ServeError> {
    let cache = TokenCache::new(config.token_cache_entries, config.token_cache_age.as_secs())
        .map_err(DevKeyError::Generate)?;
    Ok(Authenticator::new(
        config.policy,
        Verifier::new(keys, config, Clock::System).with_classes(classes),
        cache,
    ))
}

/// Tells what this service must show from the start.
pub(crate) fn with_declared<T>(
    model: &ModelStore,
    classes: &Classes,
    tell: impl FnOnce(&Declared<'_>) -> T,
) -> T {
    let current = model.current();
    let metadata = current.metadata();
    let groups: Vec<&str> = metadata.domain.groups().iter().map(|group| group.name.as_str()).collect();
    let refusals: Vec<&'static str> = Refusal::iter().map(Refusal::reason).collect();
    let certificate_refusals: Vec<_> = CertificateRefusal::iter().map(CertificateRefusal::reason).collect();
    let methods: Vec<_> = Method::iter().map(Method::label).collect();
    let refusals = [refusals.as_slice(), &[PeerLimited::OUTCOME]].concat();
    let classes: Vec<&str> = classes.entitlements().iter().map(|class| class.name.as_str()).collect();
    tell(&Declared {
        routes: api::PREDICTION_ROUTES,
        model: &metadata.name,
        classes: &model.golden().classes(),
        feature_groups: &groups,
        auth_methods: &methods,
        auth_refusals: &refusals,
        certificate_refusals: &certificate_refusals,
        quota_classes: &classes,
        connection_refusals: &listen::REFUSALS,
    })
}

/// What a program that started the service needs to know.
#[derive(Serialize)]
struct Ready<'a> {
    api: SocketAddr,
    admin: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// Says where the service listens, and in development mode how to ask it.
fn announce(
    config: &Config,
    keys: &Keys,
    model: &ModelStore,
    api: SocketAddr,
    admin: SocketAddr,
) -> Result<(), ServeError> {
    let token = match keys {
        Keys::Made(key) => Some(key.token("developer", &config.identity, &Clock::System)?),
        Keys::Given(_) | Keys::None => None,
    };
    let certificate = config.tls.tls_certificate.as_deref();
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let mut text = format!("puntual inference is ready: API {scheme}://{api}, admin http://{admin}\n");
    if let Some(token) = &token {
        let curl = dev::curl(api, certificate, token, model.golden());
        text += &format!("\nDevelopment mode, loopback only. A flight that will be late:\n\n{curl}\n\n");
        if matches!(config.identity.policy, Policy::Mtls | Policy::Both | Policy::Bound) {
            text += "--policy asks for a client certificate besides: add --cert FILE --key FILE.\n\n";
        }
    }
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(system("standard output"))?;
    let ready = Ready { api, admin, token: token.as_deref() };
    ready_file::write(config.ready_file.as_deref(), &ready).map_err(system("the ready file"))
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> ServeError {
    move |source| ServeError::System { what, source }
}
