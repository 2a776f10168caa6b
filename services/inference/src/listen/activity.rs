//! What a connection is doing, and until when it may. Told by the bytes
//! ([`WatchedIo`](super::watched_io::WatchedIo)) and by the requests
//! ([`Requests`](super::requests::Requests)); asked by the task that drives the connection. It never touches
//! the connection itself.
//!
//! hyper's own header timeout runs from the moment at which the next head is waited for, so that it is an
//! idle timeout as well: one clock for two different bounds. Here they are told apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The activity of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    last_answer: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct State {
    doing: Doing,
    http2: bool,
    /// Since when bytes wait to be sent and none could be.
    write_blocked: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Connected; not a byte has come.
    Silent { since: Instant },
    /// Some of a head has come. HTTP/1 only: after its preface, an HTTP/2 connection is idle or working.
    ReadingHead { since: Instant },
    /// Requests are in flight: from the whole head to the end of the answer.
    Working { requests: usize },
    /// Between requests.
    Idle { since: Instant },
}

/// How long each of them may last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) silent: Duration,
    pub(super) header: Duration,
    pub(super) idle: Duration,
    pub(super) write: Duration,
    /// Silence from before this moment does not count.
    pub(super) from: Instant,
}

impl Patience {
    /// No state that begins after now can outlast its time before this has passed.
    pub(super) fn shortest(&self) -> Duration {
        self.silent.min(self.header).min(self.idle).min(self.write)
    }
}

/// What lasted too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No byte came on a new connection.
    Silent,
    /// The head of a request.
    Header,
    /// The time between two requests.
    Idle,
    /// The sending of an answer.
    Write,
}

impl Activity {
    pub(super) fn new() -> Self {
        let doing = Doing::Silent { since: Instant::now() };
        Self {
            state: Mutex::new(State { doing, http2: false, write_blocked: None }),
            last_answer: AtomicBool::new(false),
        }
    }

    /// Bytes came from the client.
    pub(super) fn received(&self) {
        let mut state = self.lock();
        if let Doing::Silent { .. } = state.doing {
            state.doing = Doing::ReadingHead { since: Instant::now() };
        } else if let (Doing::Idle { .. }, false) = (state.doing, state.http2) {
            // On HTTP/2 pings and window updates come too; only requests end its idle time.
            state.doing = Doing::ReadingHead { since: Instant::now() };
        }
    }

    /// The client sent the whole preface of HTTP/2.
    pub(super) fn speaks_http2(&self) {
        let mut state = self.lock();
        state.http2 = true;
        state.doing = Doing::Idle { since: Instant::now() };
    }

    pub(super) fn is_http2(&self) -> bool {
        self.lock().http2
    }

    /// A request's head is complete.
    pub(super) fn request_began(&self) {
        let mut state = self.lock();
        let requests = if let Doing::Working { requests } = state.doing { requests } else { 0 };
        state.doing = Doing::Working { requests: requests.saturating_add(1) };
    }

    /// A request's answer was handed over to its end, or given up.
    pub(super) fn request_ended(&self) {
        let mut state = self.lock();
        state.doing = match state.doing {
            Doing::Working { requests } if requests > 1 => Doing::Working { requests: requests - 1 },
            _ => Doing::Idle { since: Instant::now() },
        };
    }

    /// Nothing could be sent, or something could again.
    pub(super) fn write_blocked(&self, blocked: bool) {
        self.lock().write_blocked = blocked.then(Instant::now);
    }

    /// From now on each answer says that it is the connection's last.
    pub(super) fn say_last_answer(&self) {
        self.last_answer.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_last_answer(&self) -> bool {
        self.last_answer.load(Ordering::Relaxed)
    }

    /// What ends the patience first, and when; `None` while there is nothing to wait for.
    pub(super) fn deadline(&self, patience: &Patience) -> Option<(Instant, Overdue)> {
        let state = *self.lock();
        let doing = match state.doing {
            Doing::Silent { since } => Some((since.max(patience.from) + patience.silent, Overdue::Silent)),
            Doing::ReadingHead { since } => Some((since + patience.header, Overdue::Header)),
            Doing::Idle { since } => Some((since.max(patience.from) + patience.idle, Overdue::Idle)),
            Doing::Working { .. } => None,
        };
        let write = state.write_blocked.map(|since| (since + patience.write, Overdue::Write));
        doing.into_iter().chain(write).min_by_key(|(at, _)| *at)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is a single assignment: a panic elsewhere cannot have left it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
