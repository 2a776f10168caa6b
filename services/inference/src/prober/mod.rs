//! `inference probe`: sends golden rows through the public door, as a client would, and compares what comes back. Sees
//! what the service cannot count: answers that are fast and wrong, and a door that lets nobody in. It knows the service
//! by its public API alone, and must never ask more than one row a route at a time.

mod config;
mod route;
mod target;
mod token_file;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anstream::println;
use http::StatusCode;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use config::ProberConfig;
use route::Route;
use target::{Answer, NoAnswer, Target};
use token_file::TokenFile;
pub use token_file::TokenFileError;

use crate::admin::{self, Probes};
use crate::client::{Connector, TrustError};
use crate::drain::{Drain, DrainConfig, Phase};
use crate::listen::ListenError;
use crate::model::{GoldenRow, ModelError, ModelStore};
use crate::ready_file;
use crate::telemetry::events::{self, ProbeResult};
use crate::telemetry::{Telemetry, TelemetryError};

/// Where the metrics are, for errors.
const SETTING: &str = "--metrics-listen (INFERENCE_PROBE_METRICS_LISTEN)";

/// What is probed can wait for nothing that the prober still does.
const END: DrainConfig =
    DrainConfig { drain_grace: Duration::ZERO, drain_finish: Duration::ZERO, drain_linger: Duration::ZERO };

/// Why the prober did not start.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// Logs or metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The model whose golden answers are expected.
    #[error("the model is refused: {0}")]
    Model(#[from] ModelError),
    /// The authorities.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// The listener of the metrics.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Answers that are not the golden ones, where each was asked for once.
    #[error("{wrong} of {asked} answers are not right; the log says which")]
    NotRight {
        /// Answers that are wrong or refused, and those that did not come.
        wrong: usize,
        /// All that were asked for.
        asked: usize,
    },
    /// Told to end before each row was asked for once.
    #[error("told to end before all golden rows were asked for")]
    CutOff,
    /// The runtime, signals or the ready file.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// Probes until it is told to end. Returns failure with the reason on standard error.
#[must_use]
pub fn exit(config: &ProberConfig) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(ProberError::from).and_then(|runtime| runtime.block_on(run(config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The routes that are probed, as the label `http_route` has them.
pub(crate) const ROUTES: [&str; Route::ALL.len()] = {
    let [one, other] = Route::ALL;
    [one.label(), other.label()]
};

/// What a program that started the prober needs to know.
#[derive(Serialize)]
struct Ready {
    metrics: SocketAddr,
}

async fn run(config: &ProberConfig) -> Result<(), ProberError> {
    let metrics = Telemetry::start_prober(&config.log, &ROUTES)?;
    let model = ModelStore::load(&config.model)?;
    let connector =
        Connector::new(&config.target, "--ca", config.ca.as_deref())?.by_way_of(config.connect.clone());
    let token = match &config.token_file {
        Some(path) => Some(TokenFile::open(path).await?),
        None => None,
    };
    let drain = Drain::on_signals(&END)?;
    let probes = Probes::new(&drain);
    let admin = admin::serve_at(config.metrics_listen, SETTING, probes.clone(), metrics)?;
    let listens = admin.local_addr();
    probes.set_ready(true);
    println!("puntual prober: asks {} every {:?}, metrics http://{listens}", config.target, config.interval);
    ready_file::write(config.ready_file.as_deref(), &Ready { metrics: listens })?;

    let target = Target::new(connector, config.timeout);
    let mut prober = Prober { model, target, token, before: Route::ALL.map(|_| None) };
    let ended = tokio::select! {
        once = prober.probe_rows(config.interval, config.once) => once,
        () = drain.wait_for(Phase::Grace) => if config.once { Err(ProberError::CutOff) } else { Ok(()) },
    };
    admin.stop().await;
    ended
}

struct Prober {
    model: ModelStore,
    target: Target,
    token: Option<TokenFile>,
    /// What came of the probe before, of each route.
    before: [Option<ProbeResult>; Route::ALL.len()],
}

impl Prober {
    /// Goes through the golden rows, again and again, or once.
    async fn probe_rows(&mut self, pause: Duration, once: bool) -> Result<(), ProberError> {
        let mut ticks = interval(pause);
        // After a slow answer the next row waits as long as after a fast one.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let model = self.model.clone();
        let rows = model.golden().rows();
        let many = if once { rows.len() } else { usize::MAX };
        let mut wrong = 0;
        for (index, row) in rows.iter().enumerate().cycle().take(many) {
            ticks.tick().await;
            wrong += self.probe(index + 1, row).await;
        }
        let asked = rows.len() * Route::ALL.len();
        if wrong > 0 {
            return Err(ProberError::NotRight { wrong, asked });
        }
        println!("puntual prober: all {asked} answers are right");
        Ok(())
    }

    /// Sends `row` through both routes; how many of the answers are not right.
    async fn probe(&mut self, number: usize, row: &GoldenRow) -> usize {
        let authorization = match &mut self.token {
            Some(token) => Some(token.authorization().await.clone()),
            None => None,
        };
        let model = self.model.current();
        let mut wrong = 0;
        for (route, before) in Route::ALL.into_iter().zip(&mut self.before) {
            let (path, body) = (route.path(model.metadata()), route.body(model.metadata(), row));
            let began = Instant::now();
            let answer = self.target.post(&path, authorization.as_ref(), body).await;
            let took = began.elapsed();
            let (result, found) = judge(route, row.class, &answer);
            let again = before.replace(result) == Some(result);
            events::Probed { route: route.label(), row: number, result, found: &found, took, again }.emit();
            wrong += usize::from(result != ProbeResult::Right);
        }
        wrong
    }
}

/// What an answer is worth, and what it says where it is not the golden one.
fn judge(route: Route, expected: i64, answer: &Result<Answer, NoAnswer>) -> (ProbeResult, String) {
    let Answer { status, body, request_id } = match answer {
        Ok(answer) => answer,
        Err(error) => return (ProbeResult::Failed, error.to_string()),
    };
    let found = |what: String| format!("{what} (request {request_id})");
    if *status == StatusCode::OK {
        return match route.classes(body).as_deref() {
            Some([class]) if *class == expected => (ProbeResult::Right, String::new()),
            Some(classes) => (ProbeResult::Wrong, found(format!("{classes:?}, expected [{expected}]"))),
            None => (ProbeResult::Wrong, found(format!("no classes, expected [{expected}]"))),
        };
    }
    let result = if status.is_client_error() { ProbeResult::Refused } else { ProbeResult::Failed };
    (result, found(status.to_string()))
}
