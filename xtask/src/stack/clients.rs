//! Callers of the service, of every kind that a dashboard shows, at an even rate, until their owner lets go of them.
//!
//! They count what they get and never fail: whether that is right is for the test to say. The rate is the clients' own:
//! one that waits for an answer is caught up with by the others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::serving::seconds_since_1970;
use crate::golden::Golden;
use crate::keep_alive::{self, Answer, KeepAlive};
use crate::tls_client::TlsClient;

/// What a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A prediction.
    Predict,
    /// The same by the Open Inference Protocol.
    Infer,
    /// A prediction, with a token that is none.
    Stranger,
    /// A prediction for a body that is none.
    Careless,
    /// A prediction for somebody whose quota is used up.
    Guest,
    /// A prediction for a row that is no flight.
    Odd,
}

/// Who calls, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    /// What they want.
    pub(crate) kind: Kind,
    /// Requests of all of them in a second.
    pub(crate) rate: f64,
    /// Callers, each with one request under way at a time.
    pub(crate) callers: u32,
}

/// Whom they call, and with what.
#[derive(Debug)]
pub(super) struct Callee {
    pub(super) address: SocketAddr,
    pub(super) tls: TlsClient,
    pub(super) token: String,
    pub(super) guest_token: String,
    pub(super) golden: Vec<Golden>,
}

/// The callers.
#[derive(Debug)]
pub(crate) struct Clients {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// When the first of them began, in seconds since 1970.
    pub(crate) begun: f64,
}

#[derive(Debug)]
struct Shared {
    callee: Callee,
    over: AtomicBool,
    right: AtomicU64,
    wrong: AtomicU64,
}

/// What they got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Answers that were the ones that the caller should get.
    pub(crate) right: u64,
    /// Others, and none.
    pub(crate) wrong: u64,
}

impl Counts {
    /// Requests that were answered or lost.
    pub(crate) fn all(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
        let all = (self.right + self.wrong) as f64;
        all
    }
}

impl Calls {
    /// At this rate, by enough callers to keep it up while each answer takes two fifths of a second.
    pub(crate) fn of(kind: Kind, rate: f64) -> Self {
        let mut callers = 1;
        while f64::from(callers) * 2.5 < rate {
            callers += 1;
        }
        Self { kind, rate, callers }
    }
}

impl Clients {
    pub(super) fn start(callee: Callee, calls: &[Calls]) -> Self {
        let (over, right, wrong) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let shared = Arc::new(Shared { callee, over, right, wrong });
        let begun = Instant::now();
        let threads = calls
            .iter()
            .flat_map(|calls| (0..calls.callers).map(move |number| (calls.clone(), number)))
            .map(|(calls, number)| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.call(&calls, number, begun))
            })
            .collect();
        Self { shared, threads, begun: seconds_since_1970() }
    }

    /// What they got so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            right: self.shared.right.load(Ordering::Relaxed),
            wrong: self.shared.wrong.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // Its panic has been printed.
            let _ended = thread.join();
        }
    }
}

impl Shared {
    /// The requests of one caller, the first one as late as its number says.
    fn call(&self, calls: &Calls, number: u32, begun: Instant) {
        let pace = Duration::from_secs_f64(f64::from(calls.callers) / calls.rate);
        let mut connection = None;
        for (row, sent) in self.callee.golden.iter().cycle().zip(0_u32..) {
            let due = pace.mul_f64(f64::from(sent) + f64::from(number) / f64::from(calls.callers));
            while let left = due.saturating_sub(begun.elapsed())
                && !left.is_zero()
            {
                if self.over.load(Ordering::Relaxed) {
                    return;
                }
                // In pieces, so that the end is not waited for.
                thread::sleep(left.min(Duration::from_millis(100)));
            }
            let is_right = self.ask(&mut connection, calls.kind, row).unwrap_or_else(|_| {
                connection = None;
                false
            });
            let counter = if is_right { &self.right } else { &self.wrong };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ask(&self, connection: &mut Option<KeepAlive>, kind: Kind, row: &Golden) -> anyhow::Result<bool> {
        let Callee { address, tls, token, guest_token, .. } = &self.callee;
        let token = match kind {
            Kind::Guest => guest_token,
            Kind::Stranger => "none",
            _ => token,
        };
        let bearer = format!("Bearer {token}");
        let (path, body) = kind.request(row)?;
        let headers = [("authorization", bearer.as_str())];
        let request = keep_alive::post_without_token(*address, path, &headers, &body);
        let mut open = match connection.take() {
            Some(open) => open,
            None => tls.open(*address)?,
        };
        let answer = open.send(&request)?;
        if !answer.is_last() {
            *connection = Some(open);
        }
        Ok(kind.is_right(&answer, row))
    }
}

impl Kind {
    fn request(self, row: &Golden) -> anyhow::Result<(&'static str, String)> {
        Ok(match self {
            Self::Predict | Self::Stranger | Self::Guest => ("/api", row.body.clone()),
            Self::Careless => ("/api", "{".to_owned()),
            Self::Odd => ("/api", row.body.replace('0', "1")),
            Self::Infer => ("/v2/models/flights/infer", row.infer()?),
        })
    }

    fn is_right(self, answer: &Answer, row: &Golden) -> bool {
        match self {
            Self::Predict => answer.status == 200 && answer.body == row.answer,
            Self::Infer | Self::Odd => answer.status == 200,
            Self::Stranger => answer.status == 401,
            Self::Careless => answer.status == 400,
            Self::Guest => [200, 429].contains(&answer.status),
        }
    }
}
