//! A client beside the generator that reads what is answered: the generator counts statuses and throws bodies away. Must
//! never send so much that it is a load of its own.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs::default_provider;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, TlsConfig, parse_pem};

use super::EngineError;
use crate::latency::Latency;
use crate::measurement::{Checks, REFUSALS};
use crate::payload::{Route, Row};
use crate::scenario::Phase;
use crate::target::{Proof, Target};

/// Fifty a second: the whole domain in eleven seconds, beside thousands of the generator's.
const PAUSE: Duration = Duration::from_millis(20);

/// The client, at work.
#[derive(Debug)]
pub(super) struct Checker {
    is_over: Arc<AtomicBool>,
    compared: Arc<Mutex<Compared>>,
    thread: JoinHandle<()>,
}

/// What it has found so far.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// What came back.
    pub checks: Checks,
    /// From when it asked to the end of each answer, or of none.
    pub latency: Latency,
}

impl Checker {
    pub(super) fn start(
        target: &Target,
        phase: &Phase,
        timeout: Duration,
        rows: Vec<Row>,
    ) -> Result<Self, EngineError> {
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .tls_config(tls(target.proof())?)
            .build()
            .into();
        let route = phase.route;
        let (clients, is_over) = (target.by_each(phase.identities()), Arc::new(AtomicBool::new(false)));
        let compared = Arc::<Mutex<Compared>>::default();
        let (until, seen) = (Arc::clone(&is_over), Arc::clone(&compared));
        let thread = std::thread::spawn(move || {
            for (row, client) in rows.iter().cycle().zip(clients.iter().cycle()) {
                let asked = Instant::now();
                let answer = ask(&agent, client, route, row);
                let took = asked.elapsed();
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                check(&mut seen.checks, route, row, answer);
                seen.latency.answer(took);
                drop(seen);
                if until.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        });
        Ok(Self { is_over, compared, thread })
    }

    pub(super) fn so_far(&self) -> Compared {
        so_far(&self.compared)
    }

    /// What it has found. One that came to harm has compared nothing, which makes a run invalid.
    pub(super) fn stop(self) -> Checks {
        self.is_over.store(true, Ordering::Relaxed);
        let Self { compared, thread, .. } = self;
        thread.join().map(|()| so_far(&compared).checks).unwrap_or_default()
    }
}

fn so_far(compared: &Mutex<Compared>) -> Compared {
    compared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn tls(Proof { authorities, certificate, .. }: &Proof) -> Result<TlsConfig, EngineError> {
    let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(default_provider()));
    if let Some(file) = authorities {
        tls = tls.root_certs(certificates(file)?.into());
    }
    if let Some((file, key_file)) = certificate {
        let key = PrivateKey::from_pem(&pem(key_file)?).map_err(|source| not_pem(key_file, source))?;
        tls = tls.client_cert(Some(ClientCert::new_with_certs(&certificates(file)?, key)));
    }
    Ok(tls.build())
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, EngineError> {
    let mut certificates = Vec::new();
    for item in parse_pem(&pem(file)?) {
        if let PemItem::Certificate(certificate) = item.map_err(|source| not_pem(file, source))? {
            certificates.push(certificate);
        }
    }
    Ok(certificates)
}

fn pem(file: &Path) -> Result<Vec<u8>, EngineError> {
    fs::read(file).map_err(|source| not_pem(file, source.into()))
}

fn not_pem(file: &Path, source: ureq::Error) -> EngineError {
    EngineError::Pem { file: file.display().to_string(), source: Box::new(source) }
}

/// What came back that says something.
#[derive(Debug)]
enum Answer {
    /// A 200, with its body.
    Body(String),
    /// A 429 or 503 that does not say when to come again.
    WithoutRetryAfter,
}

fn ask(agent: &Agent, target: &Target, route: Route, row: &Row) -> Option<Answer> {
    let mut request = agent.post(target.of(route)).header("content-type", "application/json");
    if let Some(authorization) = target.authorization() {
        request = request.header("authorization", authorization);
    }
    let mut answer = request.send(&row.body).ok()?;
    match answer.status().as_u16() {
        200 => answer.body_mut().read_to_string().ok().map(Answer::Body),
        status if REFUSALS.contains(&status) && !answer.headers().contains_key("retry-after") => {
            Some(Answer::WithoutRetryAfter)
        }
        _ => None,
    }
}

fn check(checks: &mut Checks, route: Route, row: &Row, answer: Option<Answer>) {
    match answer {
        None => checks.not_answered += 1,
        Some(Answer::WithoutRetryAfter) => {
            checks.not_answered += 1;
            checks.without_retry_after += 1;
        }
        Some(Answer::Body(answer)) => {
            let answer = route.compared(answer);
            if answer == row.answer {
                checks.right += 1;
                return;
            }
            checks.wrong += 1;
            if checks.first_wrong.is_none() {
                checks.first_wrong =
                    Some(format!("{} was answered by {answer}; expected {}", row.body, row.answer));
            }
        }
    }
}
