//! Connections that are secure: the versions and habits that clients come with, and handshakes that come to nothing.

use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use inference::drain::DrainConfig;
use inference::identity::Clock;
use inference::listen::{ListenConfig, Peer, Served};
use inference::tls::{Tls, TlsConfig};
use rstest::rstest;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};

use crate::certificates::{NAME, Pki, TlsWire, Version};
use crate::protocols::{http2_get, http2_over};
use crate::wire::{GET, NEVER, SHORT, Server, Wire, patient, slow_end, within};

/// Answers with the caller's name.
pub(crate) fn who_am_i() -> Router {
    let name = async |Extension(peer): Extension<Peer>| {
        let name = peer.certificate.and_then(|certificate| certificate.subject.clone());
        name.map_or_else(|| "nobody".to_owned(), |name| name.to_string())
    };
    Router::new().route("/", get(name))
}

async fn start(tls: Tls) -> Server {
    Server::start_secured(patient(), &slow_end(), who_am_i(), Some(tls)).await
}

#[rstest]
#[tokio::test]
async fn a_certificate_names_the_caller_of_each_request(#[values(&TLS12, &TLS13)] version: Version) {
    let pki = Pki::new();
    let server = start(pki.load(Clock::System)).await;
    let named = pki.client(Some(&pki.authority.client(|_| {})), version);
    let mut client = TlsWire::secured(server.address, &named).await.unwrap();
    for _ in 0..3 {
        assert_eq!(client.ask(GET).await.body, NAME);
    }
    let mut client = TlsWire::secured(server.address, &pki.client(None, version)).await.unwrap();
    assert_eq!(client.ask(GET).await.body, "nobody");
}

#[rstest]
#[tokio::test]
async fn http_2_is_what_the_server_likes_best(#[values(&TLS12, &TLS13)] version: Version) {
    let pki = Pki::new();
    let server = start(pki.load(Clock::System)).await;
    let mut config = ClientConfig::clone(&pki.client(Some(&pki.authority.client(|_| {})), version));
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let wire = TlsWire::secured(server.address, &Arc::new(config)).await.unwrap();
    assert_eq!(wire.stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, _connection) = http2_over(wire.stream).await;
    assert_eq!(within(client.send_request(http2_get())).await.unwrap().status(), 200);
}

#[rstest]
#[tokio::test]
async fn no_session_is_resumed(#[values(&TLS12, &TLS13)] version: Version) {
    let pki = Pki::new();
    let server = start(pki.load(Clock::System)).await;
    // Remembers sessions, as rustls clients do by default.
    let client = pki.client(Some(&pki.authority.client(|_| {})), version);
    for _ in 0..3 {
        let mut wire = TlsWire::secured(server.address, &client).await.unwrap();
        // Tickets come with or before the first answer.
        assert_eq!(wire.ask(GET).await.body, NAME);
        let session = wire.stream.get_ref().1;
        // With another group than the client guessed it is still a full one.
        assert!(
            matches!(
                session.handshake_kind(),
                Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)
            ),
            "{:?}",
            session.handshake_kind()
        );
        assert_eq!(session.tls13_tickets_received(), 0);
    }
}

#[tokio::test]
async fn a_client_in_the_clear_is_told_nothing_in_the_clear() {
    let pki = Pki::new();
    let server = start(pki.load(Clock::System)).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    let answer = client.closed().await;
    // A TLS record: an alert, which is what it can be told.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_ends_and_holds_up_nobody() {
    let pki = Pki::new();
    let config = TlsConfig { tls_handshake_timeout: SHORT, ..pki.config() };
    let server = start(Tls::load(&config, Clock::System).unwrap().unwrap()).await;
    let mut silent = server.connect().await;
    let mut begun = server.connect().await;
    // The head of a record that never comes.
    begun.send([22, 3, 1, 2, 0]).await;
    let mut client = TlsWire::secured(server.address, &pki.client(None, &TLS13)).await.unwrap();
    assert_eq!(client.ask(GET).await.status(), "200");
    assert_eq!(silent.closed().await, b"");
    assert_eq!(begun.closed().await, b"");
    assert_eq!(client.ask(GET).await.status(), "200", "that bound is over with the handshake");
}

#[tokio::test]
async fn a_handshake_holds_a_place_among_the_connections() {
    let pki = Pki::new();
    let bounds = ListenConfig { max_connections: 1, ..patient() };
    let tls = TlsConfig { tls_handshake_timeout: NEVER, ..pki.config() };
    let tls = Tls::load(&tls, Clock::System).unwrap();
    let server = Server::start_secured(bounds, &slow_end(), who_am_i(), tls).await;
    let silent = server.connect().await;
    // Closed without a word: one in the clear would be no TLS.
    assert_eq!(server.connect().await.closed().await, b"");
    drop(silent);
    within(async {
        while TlsWire::secured(server.address, &pki.client(None, &TLS13)).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_handshake_does_not_hold_up_the_end_of_the_service() {
    let pki = Pki::new();
    let tls = TlsConfig { tls_handshake_timeout: NEVER, ..pki.config() };
    let end =
        DrainConfig { drain_grace: std::time::Duration::ZERO, drain_finish: NEVER, drain_linger: SHORT };
    let tls = Tls::load(&tls, Clock::System).unwrap();
    let server = Server::start_secured(patient(), &end, who_am_i(), tls).await;
    let mut silent = server.connect().await;
    server.drain.begin();
    assert_eq!(silent.closed().await, b"");
    assert_eq!(server.served().await, Served { dropped: 0 });
}

#[tokio::test]
async fn a_secure_connection_is_told_of_the_end() {
    let pki = Pki::new();
    let end =
        DrainConfig { drain_grace: std::time::Duration::ZERO, drain_finish: NEVER, drain_linger: SHORT };
    let server = Server::start_secured(patient(), &end, who_am_i(), Some(pki.load(Clock::System))).await;
    let (address, client) = (server.address, pki.client(None, &TLS13));
    let mut asking = TlsWire::secured(address, &client).await.unwrap();
    asking.ask(GET).await;
    server.drain.begin();
    within(server.drain.wait_for(inference::drain::Phase::Closing)).await;
    assert!(asking.ask(GET).await.is_last());
    assert_eq!(server.served().await, Served { dropped: 0 });
    assert!(Wire::connect(address).await.is_err());
}
