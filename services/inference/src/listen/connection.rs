//! One connection, from the first byte to the last: served, watched, and ended when its time or the service's
//! is over.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ListenConfig;
use super::activity::{Activity, Overdue, Patience};
use super::age::Ages;
use super::proxy_protocol::HeaderError;
use super::requests::{Peer, Requests};
use super::watched_io::{CLOSE_LINGER, WatchedIo};
use crate::drain::Phase;
use crate::tls::{CertificateRefusal, Standing};

/// HTTP/2's own windows: what a client may send of bodies before anybody reads them, for one request and for
/// all of a connection. 64 KiB is the protocol's default, hyper's is 1 MiB for both: with
/// [`ListenConfig::max_connections`] nearly a gigabyte that clients could make us hold.
const HTTP2_REQUEST_WINDOW: u32 = 64 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 256 * 1024;

/// How long a connection that was told to close may take for it when nothing is in flight.
const CLOSE_PATIENCE: Duration = CLOSE_LINGER.saturating_mul(2);

/// What all connections of a listener share.
#[derive(Debug)]
pub(super) struct Connections {
    http: auto::Builder<TokioExecutor>,
    router: Router,
    config: ListenConfig,
    /// How long silence is waited for at the end.
    linger: Duration,
    ages: Ages,
    /// The service's phase as far as the connections may know it: the listener counts them before they may
    /// leave.
    phase: watch::Sender<Phase>,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// By the protocol: either side said that it is done.
    Closed,
    /// The client broke it off, or broke the protocol.
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    Overdue(Overdue),
    /// A trusted proxy did not say whose connection it is.
    NoProxyHeader(HeaderError),
    /// The handshake took too long.
    HandshakeOverdue,
    /// In the handshake something other than the client's certificate was not taken.
    Unsecured(rustls::Error),
    /// The client's certificate was refused, in the handshake or later.
    Disowned(CertificateRefusal),
    /// The service ended before it did.
    Dropped,
}

impl Connections {
    pub(super) fn new(config: ListenConfig, router: Router, linger: Duration) -> Self {
        let phase = watch::Sender::new(Phase::Serving);
        let ages = Ages::up_to(config.connection_age);
        Self { http: http(&config), router, config, linger, ages, phase }
    }

    /// Tells every connection, those to come as well.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// The settings of the listener.
    pub(super) const fn config(&self) -> &ListenConfig {
        &self.config
    }

    /// Hears of every phase.
    pub(super) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// How long silence is waited for at the end.
    pub(super) const fn linger(&self) -> Duration {
        self.linger
    }

    /// Serves one connection. What stands between accepting and serving, such as a TLS handshake, hands its
    /// stream over here, with what it learnt of the client.
    pub(super) async fn serve<T>(&self, io: T, peer: Peer, standing: Option<Arc<Standing>>) -> End
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        let io = TokioIo::new(WatchedIo::new(io, Arc::clone(&activity)));
        let mut term = Term::new(self, &peer, standing.clone());
        let requests = Requests::new(self.router.clone(), peer, standing.clone(), Arc::clone(&activity));
        let connection = self.http.serve_connection(io, requests);
        let mut phase = self.phases();
        // Set once in a while, not at each change: no state lasts shorter than `patience.shortest()`, so that
        // whatever begins after the timer was set is looked at before its time is over.
        let timer = sleep_until(term.next_look(&activity));
        tokio::pin!(connection, timer);
        loop {
            let now_in = *phase.borrow_and_update();
            if now_in == Phase::Over {
                return End::Dropped;
            }
            // At once, and whatever is in flight: a thief may have the key.
            if let Some(Err(refusal)) = standing.as_ref().map(|standing| standing.check()) {
                return End::Disowned(refusal);
            }
            if term.is_reached(now_in) {
                activity.say_last_answer();
                timer.as_mut().reset(term.next_look(&activity));
            }
            tokio::select! {
                // What has arrived is served before anything is decided about the connection.
                biased;
                ended = connection.as_mut() => return ended.map_or_else(End::Broken, |()| End::Closed),
                () = when(|| standing.as_ref().is_some_and(|standing| standing.is_lost())) => {}
                // GOAWAY lets what is on its way be answered, so that it is sent at once. HTTP/1 has nothing
                // like it: there the next answer says that it is the last. A new connection becomes one or
                // the other here.
                () = when(|| term.closing && !term.told_to_close && activity.is_http2()) => {
                    term.told_to_close = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = timer.as_mut() => {
                    match activity.deadline(&term.patience).filter(|(at, _)| *at <= Instant::now()) {
                        Some((_, Overdue::Idle)) if !term.told_to_close => {
                            term.told_to_close = true;
                            term.patience =
                                Patience { idle: CLOSE_PATIENCE, from: Instant::now(), ..term.patience };
                            connection.as_mut().graceful_shutdown();
                        }
                        // Nobody has asked for anything: at the end that is no fault of the client.
                        Some((_, Overdue::Silent)) if term.draining => return End::Closed,
                        Some((_, overdue)) => return End::Overdue(overdue),
                        None => {}
                    }
                    timer.as_mut().reset(term.next_look(&activity));
                }
                () = unseen_material(standing.as_deref()) => {}
                // The sender lives in `self`.
                _ = phase.changed() => {}
            }
        }
    }

    fn patience(&self) -> Patience {
        let ListenConfig { header_timeout, idle_timeout, write_timeout, .. } = self.config;
        Patience {
            silent: header_timeout,
            header: header_timeout,
            idle: idle_timeout,
            write: write_timeout,
            from: Instant::now(),
        }
    }

    /// At the end silence is waited for no longer than a request could be on its way.
    fn last_patience(&self) -> Patience {
        let patience = self.patience();
        Patience {
            silent: patience.silent.min(self.linger),
            idle: patience.idle.min(self.linger),
            ..patience
        }
    }
}

/// How far one connection has come towards its end.
#[derive(Debug)]
struct Term<'a> {
    connections: &'a Connections,
    standing: Option<Arc<Standing>>,
    patience: Patience,
    /// When it is old enough; `None` for never.
    old_at: Option<Instant>,
    /// It is to end: by its age, or with the service.
    closing: bool,
    /// The service ends.
    draining: bool,
    /// The client was told, in the way of HTTP/2, or before an end for silence.
    told_to_close: bool,
}

impl<'a> Term<'a> {
    fn new(connections: &'a Connections, peer: &Peer, standing: Option<Arc<Standing>>) -> Self {
        Self {
            connections,
            standing,
            patience: connections.patience(),
            old_at: Instant::now().checked_add(connections.ages.of(peer.address)),
            closing: false,
            draining: false,
            told_to_close: false,
        }
    }

    /// Whether, just now, the connection got old or the service came to its end.
    fn is_reached(&mut self, phase: Phase) -> bool {
        let drains = phase >= Phase::Closing && !self.draining;
        if drains {
            self.draining = true;
            self.patience = self.connections.last_patience();
        }
        let is_old = !self.closing && self.old_at.is_some_and(|at| at <= Instant::now());
        self.closing |= drains || is_old;
        drains || is_old
    }

    /// When to look again whether something is overdue, or over.
    fn next_look(&self, activity: &Activity) -> Instant {
        let overdue = activity.deadline(&self.patience).map(|(at, _)| at);
        let old = self.old_at.filter(|_| !self.closing);
        let judged = self.standing.as_ref().and_then(|standing| standing.judged_until());
        let at_the_latest = Instant::now() + self.patience.shortest();
        [overdue, old, judged].into_iter().flatten().fold(at_the_latest, Instant::min)
    }
}

/// Returns when a certificate is to be looked at again.
async fn unseen_material(standing: Option<&Standing>) {
    match standing {
        Some(standing) => standing.unseen_material().await,
        None => pending().await,
    }
}

/// Ready when `condition` holds; asked whenever the task is woken.
async fn when(condition: impl Fn() -> bool) {
    poll_fn(|_| if condition() { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn http(config: &ListenConfig) -> auto::Builder<TokioExecutor> {
    // Beyond the soft bound, which the API answers, hyper's own stands: without it a head would be read
    // without end.
    let hard_header_bytes = config.header_bytes.saturating_mul(4);
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // Ours, in `Activity`: see there.
        .header_read_timeout(None)
        // Also bounds what is kept of bodies and of answers that the client does not read. Never below
        // hyper's minimum of 8 KiB, because `header_bytes` is never below 2 KiB.
        .max_buf_size(hard_header_bytes)
        // A client that says with its last request that it is done sending is answered. A client that is gone
        // is found out by writing to it: an answer is a matter of microseconds, so that there is nothing to
        // break off.
        .half_close(true);
    // The number of headers stays at hyper's 100: another number would be allocated for each request.
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.http2_streams)
        .max_header_list_size(u32::try_from(hard_header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(HTTP2_REQUEST_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .keep_alive_interval(config.http2_ping_interval)
        .keep_alive_timeout(config.http2_ping_interval / 2);
    // How many streams a client may reset before it is cut off (CVE-2023-44487) stays at h2's own bound.
    http
}
