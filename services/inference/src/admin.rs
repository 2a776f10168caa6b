//! What those who run the service ask of it: is it alive, is it ready, what does it count. On a thread and a
//! runtime of its own, so that a probe or a scrape is answered also when every thread of the API is busy. It
//! must never share a lock or a queue with the request path.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use crate::drain::{Drain, DrainConfig, Phase};
use crate::identity::KeyStore;
use crate::listen::{Counted, ListenConfig, ListenError, Listener, ProxiesConfig};
use crate::telemetry::MetricsPage;

/// How often recorded samples are folded into histograms. Until then every sample is kept: often enough that what
/// collects at full load stays below a megabyte.
const UPKEEP: Duration = Duration::from_secs(1);

/// Two probes, a few Prometheus servers, a person.
const CONNECTIONS: usize = 32;

const SETTING: &str = "--admin-listen (INFERENCE_ADMIN_LISTEN)";

/// Where probes and scrapes are answered.
#[derive(Debug, Clone, clap::Args)]
pub struct AdminConfig {
    /// The address of /livez, /readyz and /metrics.
    #[arg(long, env = "INFERENCE_ADMIN_LISTEN", default_value = "127.0.0.1:9090")]
    pub admin_listen: SocketAddr,
}

/// What readiness is made of.
#[derive(Debug, Clone)]
pub struct Probes {
    model_checked: Arc<AtomicBool>,
    keys: Option<KeyStore>,
    drain: Drain,
}

impl Probes {
    /// Not ready until [`set_ready`](Self::set_ready), and not any more once `drain` has begun.
    #[must_use]
    pub fn new(drain: &Drain) -> Self {
        Self { model_checked: Arc::default(), keys: None, drain: drain.clone() }
    }

    /// Not ready either until there have been `keys`. Keys that have grown too old since take no readiness away: all
    /// replicas would lose it at once, and nobody would be left to tell callers what is wrong.
    #[must_use]
    pub fn with_keys(self, keys: KeyStore) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Says whether the model that answers has given every golden answer.
    pub fn set_ready(&self, model_checked: bool) {
        self.model_checked.store(model_checked, Ordering::Relaxed);
    }

    /// Whether requests should be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness().ready
    }

    /// Every check, and whether all of them pass.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let model_checked = self.model_checked.load(Ordering::Relaxed);
        let keys_loaded = self.keys.as_ref().is_none_or(KeyStore::is_loaded);
        let phase = self.drain.phase();
        Readiness {
            ready: model_checked && keys_loaded && phase == Phase::Serving,
            checks: Checks {
                model: if model_checked { "checked" } else { "not checked yet" },
                keys: if keys_loaded { "loaded" } else { "not fetched yet" },
                serving: if phase == Phase::Serving { "yes" } else { "draining" },
            },
        }
    }
}

/// The body of `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether every check passes.
    pub ready: bool,
    /// The checks.
    pub checks: Checks,
}

/// What `/readyz` looks at, and in which state it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// `checked` when the model has given every golden answer.
    pub model: &'static str,
    /// `loaded` when there are keys that tokens can be checked with, or have been.
    pub keys: &'static str,
    /// `yes` until the end has begun.
    pub serving: &'static str,
}

/// The running admin listener. It answers until it is stopped or dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    drain: Drain,
    ended: oneshot::Receiver<()>,
}

/// Starts to answer probes and scrapes.
///
/// # Errors
/// When the address, the thread or its runtime cannot be had.
pub fn serve(config: &AdminConfig, probes: Probes, metrics: MetricsPage) -> Result<Admin, ListenError> {
    serve_at(config.admin_listen, SETTING, probes, metrics)
}

/// The same at an address that errors call by its own setting.
pub(crate) fn serve_at(
    address: SocketAddr,
    setting: &'static str,
    probes: Probes,
    metrics: MetricsPage,
) -> Result<Admin, ListenError> {
    let failed = |source: io::Error| ListenError { address, setting, source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let bound = {
        let _context = runtime.enter();
        Listener::bind_as(&bounds(address), setting, Counted::No)
            .map(|listener| (listener, Drain::manual(&end())))
    };
    let (listener, drain) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            // Let go of on the caller's own runtime, it would panic: it would wait for its threads.
            runtime.shutdown_background();
            return Err(error);
        }
    };
    let address = listener.local_addr();
    let (say_ended, ended) = oneshot::channel();
    let until = drain.clone();
    let run = move || {
        runtime.block_on(async {
            tokio::spawn(keep_up(metrics.clone()));
            listener.serve(router(probes, metrics), until).await;
        });
        // Nobody hears it when the service did not wait.
        let _heard = say_ended.send(());
    };
    thread::Builder::new().name("admin".to_owned()).spawn(run).map_err(failed)?;
    Ok(Admin { address, drain, ended })
}

impl Admin {
    /// The address, with the port that the system chose when 0 was asked for.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers what is in flight and stops: to be called when the API's drain is over, not before, so that
    /// readiness can be seen and the last seconds be scraped.
    pub async fn stop(mut self) {
        self.drain.begin();
        // An error says that the thread is gone, which is what is waited for.
        let _gone = (&mut self.ended).await;
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.drain.begin();
    }
}

fn router(probes: Probes, metrics: MetricsPage) -> Router {
    let router = Router::new()
        // Answers while the thread runs: a restart is the cure for nothing else that can be known here.
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz).with_state(probes))
        .route("/metrics", get(render).with_state(metrics));
    #[cfg(feature = "faults")]
    let router = router.route("/fault", axum::routing::put(crate::faults::set));
    router
}

async fn readyz(State(probes): State<Probes>) -> Response {
    let readiness = probes.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn render(State(metrics): State<MetricsPage>) -> Response {
    ([(header::CONTENT_TYPE, MetricsPage::CONTENT_TYPE)], metrics.render()).into_response()
}

async fn keep_up(metrics: MetricsPage) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.upkeep();
    }
}

/// The bounds of those who are few and near.
const fn bounds(listen: SocketAddr) -> ListenConfig {
    ListenConfig {
        listen,
        max_connections: CONNECTIONS,
        header_timeout: Duration::from_secs(5),
        header_bytes: 16 * 1024,
        // Prometheus scrapes every 15 s as a rule and every minute at the slowest, on one connection.
        idle_timeout: Duration::from_secs(90),
        write_timeout: Duration::from_secs(5),
        connection_age: Duration::from_secs(3600),
        http2_streams: 100,
        http2_ping_interval: Duration::from_secs(30),
        proxies: ProxiesConfig::NONE,
    }
}

/// When it is stopped, nobody needs it any more: what is in flight is answered, and that is all.
const fn end() -> DrainConfig {
    DrainConfig {
        drain_grace: Duration::ZERO,
        drain_finish: Duration::from_millis(500),
        drain_linger: Duration::ZERO,
    }
}
