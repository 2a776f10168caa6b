//! One connection, from the first byte to the last: served, watched, and ended when its time or the service's
//! is over.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::ListenConfig;
use super::activity::{Activity, Overdue, Patience};
use super::requests::{Peer, Requests};
use super::watched_io::{CLOSE_LINGER, WatchedIo};
use crate::drain::Phase;

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
    /// The service ended before it did.
    Dropped,
}

impl Connections {
    pub(super) fn new(config: ListenConfig, router: Router, linger: Duration) -> Self {
        Self { http: http(&config), router, config, linger, phase: watch::Sender::new(Phase::Serving) }
    }

    /// Tells every connection, those to come as well.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Serves one connection. What stands between accepting and serving, such as a TLS handshake, hands its
    /// stream over here.
    pub(super) async fn serve<T>(&self, io: T, peer: SocketAddr) -> End
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        let io = TokioIo::new(WatchedIo::new(io, Arc::clone(&activity)));
        let requests = Requests::new(
            self.router.clone(),
            Peer { address: peer, certificate: None },
            Arc::clone(&activity),
        );
        let connection = self.http.serve_connection(io, requests);
        let mut phase = self.phase.subscribe();
        let mut patience = self.patience();
        let mut closing = false;
        let mut told_to_close = false;
        // Set once in a while, not at each change: no state lasts shorter than `patience.shortest()`, so that
        // whatever begins after the timer was set is looked at before its time is over.
        let timer = sleep(patience.shortest());
        tokio::pin!(connection, timer);
        loop {
            let now_in = *phase.borrow_and_update();
            if now_in == Phase::Over {
                return End::Dropped;
            }
            if now_in == Phase::Closing && !closing {
                closing = true;
                activity.say_last_answer();
                patience = self.last_patience();
                timer.as_mut().reset(next_look(&activity, &patience));
            }
            tokio::select! {
                // What has arrived is served before anything is decided about the connection.
                biased;
                ended = connection.as_mut() => return ended.map_or_else(End::Broken, |()| End::Closed),
                // GOAWAY lets what is on its way be answered, so that it is sent at once. HTTP/1 has nothing
                // like it: there the next answer says that it is the last. A new connection becomes one or
                // the other here.
                () = when(|| closing && !told_to_close && activity.is_http2()) => {
                    told_to_close = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = timer.as_mut() => match activity.deadline(&patience) {
                    Some((at, Overdue::Idle)) if at <= Instant::now() && !told_to_close => {
                        told_to_close = true;
                        patience = Patience { idle: CLOSE_PATIENCE, from: Instant::now(), ..patience };
                        timer.as_mut().reset(next_look(&activity, &patience));
                        connection.as_mut().graceful_shutdown();
                    }
                    // Nobody has asked for anything: at the end that is no fault of the client.
                    Some((at, Overdue::Silent)) if at <= Instant::now() && closing => return End::Closed,
                    Some((at, overdue)) if at <= Instant::now() => return End::Overdue(overdue),
                    _ => timer.as_mut().reset(next_look(&activity, &patience)),
                },
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

/// When to look again whether something is overdue.
fn next_look(activity: &Activity, patience: &Patience) -> Instant {
    let at_the_latest = Instant::now() + patience.shortest();
    activity.deadline(patience).map_or(at_the_latest, |(at, _)| at.min(at_the_latest))
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
