//! Requests that go on while something is changed, of which every answer must be right.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::golden::Golden;
use crate::keep_alive::{self, KeepAlive};
use crate::service::Service;
use crate::tls_client::TlsClient;
use crate::wait;

/// Longer than anything that is waited for takes; reached only when the traffic has stopped.
const LIMIT: Duration = Duration::from_secs(20);

/// After so many requests a client opens another connection: what is new is met by handshakes as well.
const REQUESTS_OF_A_CONNECTION: u32 = 100;

/// The requests, and what they carry.
#[derive(Debug)]
pub(super) struct Traffic<'a> {
    service: &'a Service,
    golden: &'a [Golden],
    token: Mutex<String>,
    tls: Option<TlsClient>,
    clients: u32,
    /// What each client waits from one request to the next, if it is answered by then.
    pace: Duration,
    answered: AtomicU32,
    over: AtomicBool,
}

impl<'a> Traffic<'a> {
    /// One client, without a pause.
    pub(super) fn new(service: &'a Service, golden: &'a [Golden], token: String) -> Self {
        Self {
            service,
            golden,
            token: Mutex::new(token),
            tls: None,
            clients: 1,
            pace: Duration::ZERO,
            answered: AtomicU32::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// The same over TLS.
    pub(super) fn over_tls(self, client: TlsClient) -> Self {
        Self { tls: Some(client), ..self }
    }

    /// So many clients, which together send so many requests a second, whether or not earlier ones were answered in
    /// time: a client that fell behind sends without a pause.
    pub(super) fn at_rate(self, clients: u32, requests_a_second: u32) -> Self {
        Self { clients, pace: Duration::from_secs(1) * clients / requests_a_second, ..self }
    }

    /// The token of the requests from now on.
    pub(super) fn bears(&self, token: &str) {
        token.clone_into(&mut self.token.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until requests that begin from now on were answered.
    pub(super) fn goes_on(&self) -> anyhow::Result<()> {
        let before = self.answered();
        wait::until("the traffic to go on", LIMIT, || Ok((self.answered() > before + 100).then_some(())))
    }

    /// How many were answered so far, and rightly.
    pub(super) fn answered(&self) -> u32 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Sends while `change` runs.
    ///
    /// # Errors
    /// What `change` failed with; where one request was not answered, or not rightly, that.
    pub(super) fn during(&self, change: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients).map(|_| scope.spawn(|| self.send())).collect();
            let changed = change();
            self.over.store(true, Ordering::Relaxed);
            for client in clients {
                client
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    .context("the traffic")?;
            }
            changed
        })
    }

    fn send(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut connection = self.open()?;
        for (row, sent) in self.golden.iter().cycle().zip(1_u32..) {
            let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let bearer = format!("Bearer {token}");
            let request = keep_alive::post_without_token(
                self.service.ready().api,
                "/api",
                &[("authorization", &bearer)],
                &row.body,
            );
            let answer = connection.send(&request)?;
            ensure!(answer.status == 200 && answer.body == row.answer, "{} : {answer:?}", row.body);
            self.answered.fetch_add(1, Ordering::Relaxed);
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            if answer.is_last() || sent % REQUESTS_OF_A_CONNECTION == 0 {
                connection = self.open()?;
            }
            thread::sleep((self.pace * sent).saturating_sub(begun.elapsed()));
        }
        Ok(())
    }

    fn open(&self) -> anyhow::Result<KeepAlive> {
        match &self.tls {
            None => KeepAlive::open(self.service.ready().api),
            Some(client) => client.open(self.service.ready().api),
        }
    }
}
