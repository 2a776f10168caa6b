//! The listener: accepts connections within a bound, hands each to `connection`, and stops in the order
//! that loses nothing. It must never look into a request; that is the router's.
//!
//! | bound | setting | beyond it |
//! |---|---|---|
//! | connections | `max_connections` | 503 and closed (`refusal`) |
//! | time for a head | `header_timeout` | closed |
//! | size of a head | `header_bytes` | 431: as a problem document, beyond four times as much by hyper |
//! | time and size of a PROXY header | `header_timeout`, 536 bytes | closed |
//! | time for a TLS handshake | `tls_handshake_timeout` | closed |
//! | age | `connection_age` | told to close; HTTP/2 with GOAWAY |
//! | silence | `idle_timeout` | closed, HTTP/2 with GOAWAY |
//! | an answer that is not read | `write_timeout` | closed |
//! | requests in flight on an HTTP/2 connection | `http2_streams` | the stream is refused |
//! | an HTTP/2 client that vanished | `http2_ping_interval` | closed |

mod accept;
mod activity;
mod age;
mod bind;
mod config;
mod connection;
mod handshake;
mod proxies;
mod proxy_protocol;
mod refusal;
mod requests;
mod watched_io;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use self::activity::Overdue;
pub use self::bind::ListenError;
pub use self::config::ListenConfig;
use self::connection::{Connections, End};
pub use self::proxies::ProxiesConfig;
pub use self::requests::Peer;
use crate::drain::{Drain, Phase};
use crate::telemetry::events;
use crate::tls::Tls;

const SETTING: &str = "--listen (INFERENCE_LISTEN)";

/// Every `reason` of `connections_refused_total`.
pub const REFUSALS: [&str; 6] = [
    REFUSED_BY_LIMIT,
    REFUSED_BY_SILENCE,
    REFUSED_BY_HEADER_TIMEOUT,
    REFUSED_BY_HANDSHAKE,
    REFUSED_BY_HANDSHAKE_TIMEOUT,
    REFUSED_BY_PROXY_HEADER,
];
const REFUSED_BY_LIMIT: &str = "limit";
const REFUSED_BY_SILENCE: &str = "silence";
const REFUSED_BY_HEADER_TIMEOUT: &str = "header-timeout";
const REFUSED_BY_HANDSHAKE: &str = "tls-handshake";
const REFUSED_BY_HANDSHAKE_TIMEOUT: &str = "tls-timeout";
const REFUSED_BY_PROXY_HEADER: &str = "proxy-header";

/// An address that is listened on, not served yet.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    config: ListenConfig,
    counted: Counted,
    tls: Option<Tls>,
}

/// Whether the connections are those that the metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The API's.
    Yes,
    /// The probes' and scrapes'.
    No,
}

/// How the serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Connections that were still open when the time was over.
    pub dropped: usize,
}

impl Listener {
    /// Listens on the configured address. Must be called within a tokio runtime, the one that will serve.
    ///
    /// # Errors
    /// When the address cannot be had; the text says what to do.
    #[expect(clippy::unused_async, reason = "what needs the runtime is not called by mistake without one")]
    pub async fn bind(config: &ListenConfig) -> Result<Self, ListenError> {
        Self::bind_as(config, SETTING, Counted::Yes)
    }

    pub(crate) fn bind_as(
        config: &ListenConfig,
        setting: &'static str,
        counted: Counted,
    ) -> Result<Self, ListenError> {
        let tcp = bind::bind(config.listen, setting)?;
        let address =
            tcp.local_addr().map_err(|source| ListenError { address: config.listen, setting, source })?;
        Ok(Self { tcp, address, config: config.clone(), counted, tls: None })
    }

    /// The same with TLS on every connection, or without on `None`.
    #[must_use]
    pub fn secured_by(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// The address, with the port that the system chose when 0 was asked for.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the drain is over or nothing is left to serve after its end was begun.
    pub async fn serve(self, router: Router, drain: Drain) -> Served {
        let Self { tcp, address, config, counted, tls } = self;
        if counted == Counted::Yes {
            events::ConnectionsLimitSet { limit: config.max_connections }.emit();
        }
        let limit = config.max_connections;
        let door = Door {
            places: Arc::new(Semaphore::new(limit)),
            refusals: Arc::new(Semaphore::new(refusal::REFUSED_AT_ONCE)),
            refusal: refusal::answer(),
            connections: Arc::new(Connections::new(config, router, drain.linger())),
            counted,
            tls,
        };

        let mut stop = std::pin::pin!(door.accepting_is_over(&drain));
        loop {
            tokio::select! {
                biased;
                () = stop.as_mut() => break,
                (io, peer) = accept::next(&tcp) => door.enter(io, peer),
            }
        }
        // Connections that the kernel has made and nobody took would be reset with the listener.
        if drain.phase() < Phase::Over {
            for (io, peer) in accept::rest(tcp) {
                door.enter(io, peer);
            }
        }
        tracing::info!(%address, "not listening any more");

        tokio::select! {
            biased;
            () = door.empty(limit) => Served { dropped: 0 },
            () = drain.wait_for(Phase::Over) => {
                // Counted before the connections hear of it, because they leave as soon as they do; and not
                // waited for, because one whose thread is stuck would not.
                let dropped = limit.saturating_sub(door.places.available_permits());
                door.connections.enter(Phase::Over);
                if dropped > 0 {
                    tracing::warn!(%address, dropped, "time is over: dropping what is still open");
                }
                Served { dropped }
            }
        }
    }
}

/// Lets connections in while there are places.
#[derive(Debug)]
struct Door {
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    refusal: Bytes,
    connections: Arc<Connections>,
    counted: Counted,
    tls: Option<Tls>,
}

impl Door {
    fn enter(&self, mut io: TcpStream, peer: SocketAddr) {
        // Without it the kernel holds back the second part of an answer until the client acknowledges the
        // first, which the client delays by 40 ms.
        if let Err(error) = io.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                let place = Place::take(place, self.counted);
                let (connections, tls) = (Arc::clone(&self.connections), self.tls.clone());
                tokio::spawn(async move {
                    // Before all else: it is the proxy that says it, and not the client behind TLS.
                    let end = match connections.client(&mut io, peer).await {
                        Ok(client) => connections.take(io, client, tls.as_ref()).await,
                        Err(end) => end,
                    };
                    place.leave(peer, &end);
                });
            }
            Err(_) => self.refuse(io),
        }
    }

    fn refuse(&self, io: TcpStream) {
        if self.counted == Counted::Yes {
            events::ConnectionRefused { reason: REFUSED_BY_LIMIT }.emit();
        }
        // An answer in the clear would tell a client of TLS nothing, and a handshake costs more than a place.
        if self.tls.is_some() {
            return;
        }
        if let Ok(turn) = Arc::clone(&self.refusals).try_acquire_owned() {
            let answer = self.refusal.clone();
            tokio::spawn(async move {
                refusal::refuse(io, answer).await;
                drop(turn);
            });
        }
    }

    /// Returns when no more connections are to be taken: some time into [`Phase::Closing`], so that clients
    /// that were told to close, or were on their way, still get in.
    async fn accepting_is_over(&self, drain: &Drain) {
        drain.wait_for(Phase::Closing).await;
        self.connections.enter(Phase::Closing);
        tokio::select! {
            () = sleep(drain.linger()) => {}
            () = drain.wait_for(Phase::Over) => {}
        }
    }

    /// Returns when no connection is open.
    async fn empty(&self, limit: usize) {
        let all = u32::try_from(limit).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _everything = self.places.acquire_many(all).await;
    }
}

/// A place among the connections, given back when dropped, however the connection ends.
#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    counted: Counted,
}

impl Place {
    fn take(permit: OwnedSemaphorePermit, counted: Counted) -> Self {
        if counted == Counted::Yes {
            events::ConnectionOpened.emit();
        }
        Self { _permit: permit, counted }
    }

    fn leave(self, peer: SocketAddr, end: &End) {
        match end {
            End::Closed => tracing::trace!(%peer, "connection closed"),
            End::Broken(error) => tracing::debug!(%peer, %error, "connection broken"),
            End::Overdue(overdue) => tracing::debug!(%peer, ?overdue, "connection closed: it took too long"),
            End::NoProxyHeader(error) => tracing::debug!(%peer, %error, "connection closed: no PROXY header"),
            End::HandshakeOverdue => tracing::debug!(%peer, "connection closed: the handshake took too long"),
            End::Unsecured(error) => tracing::debug!(%peer, %error, "connection closed: no handshake"),
            End::Disowned(refusal) => tracing::debug!(%peer, ?refusal, "connection closed: its certificate"),
            End::Dropped => tracing::debug!(%peer, "connection dropped: the service ends"),
        }
        let reason = match end {
            End::Overdue(Overdue::Silent) => REFUSED_BY_SILENCE,
            End::Overdue(Overdue::Header) => REFUSED_BY_HEADER_TIMEOUT,
            End::NoProxyHeader(_) => REFUSED_BY_PROXY_HEADER,
            End::HandshakeOverdue => REFUSED_BY_HANDSHAKE_TIMEOUT,
            End::Unsecured(_) => REFUSED_BY_HANDSHAKE,
            End::Disowned(refusal) => {
                return events::CertificateRefused { reason: refusal.reason() }.emit();
            }
            End::Closed | End::Broken(_) | End::Overdue(Overdue::Idle | Overdue::Write) | End::Dropped => {
                return;
            }
        };
        if self.counted == Counted::Yes {
            events::ConnectionRefused { reason }.emit();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.counted == Counted::Yes {
            events::ConnectionClosed.emit();
        }
    }
}
