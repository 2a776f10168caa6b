//! Which proxies are believed about who their client is. What is seen of it is whom the limit on refused credentials
//! takes for the guesser: the first wrong guess of an address is answered 401, the next 429.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use inference::identity::Clock;
use inference::listen::Peer;
use ppp::v2::{Addresses, Builder, Command, Protocol, Version};
use rstest::rstest;
use rustls::version::TLS13;
use tokio::io::AsyncWriteExt as _;

use crate::certificates::{Pki, TlsWire};
use crate::service::Service;
use crate::wire::{GET, SHORT, Server, Wire, patient, slow_end};

const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const GUESSED: &str = "401";
const SLOWED: &str = "429";

/// A service that trusts [`PROXY`] in the ways that are set.
async fn service(proxy_protocol: bool, forwarded_for: bool) -> Service {
    Service::start_with(|config| {
        config.listen.proxies.trusted_proxies = vec!["127.0.0.2".parse::<std::net::IpAddr>().unwrap().into()];
        config.listen.proxies.proxy_protocol = proxy_protocol;
        config.listen.proxies.forwarded_for = forwarded_for;
        config.admission.refusals_per_address = "1/h".parse().unwrap();
        config.admission.refusals_burst = "1".parse().unwrap();
    })
    .await
}

/// What a wrong guess is answered that comes from an address, with these first bytes and these header lines.
async fn guess(service: &Service, from: Ipv4Addr, first: &[u8], lines: &str) -> String {
    let mut wire = Wire::connect_from(from, service.server.address).await;
    wire.send(first).await;
    let guess = format!("GET /v2 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer guess\r\n{lines}\r\n");
    wire.ask(guess).await.status().to_owned()
}

/// A header that names this client.
fn header(client: &str) -> Vec<u8> {
    let client = SocketAddr::new(client.parse().unwrap(), 4711);
    let here = SocketAddr::new(client.ip(), 443);
    let addresses = Addresses::from((client, here));
    Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, addresses).build().unwrap()
}

/// A header of these bytes after the signature.
fn raw(bytes: &[u8]) -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), bytes].concat()
}

fn forwarded(clients: &str) -> String {
    format!("x-forwarded-for: {clients}\r\n")
}

#[rstest]
#[case::another_client("192.0.2.2", GUESSED)]
#[case::the_same_client("192.0.2.1", SLOWED)]
#[case::the_same_client_mapped("::ffff:192.0.2.1", SLOWED)]
#[case::another_of_the_newer_kind("2001:db8::1", GUESSED)]
#[tokio::test]
async fn a_trusted_proxy_says_whose_connection_it_is(#[case] client: &str, #[case] status: &str) {
    let service = service(true, false).await;
    assert_eq!(guess(&service, PROXY, &header("192.0.2.1"), "").await, GUESSED);
    assert_eq!(guess(&service, PROXY, &header(client), "").await, status);
    assert_eq!(
        guess(&service, STRANGER, b"", "").await,
        GUESSED,
        "who comes without a proxy is no proxy's client"
    );
}

#[tokio::test]
async fn what_others_say_of_themselves_changes_nothing() {
    let service = service(true, true).await;
    assert_eq!(guess(&service, STRANGER, b"", &forwarded("192.0.2.1")).await, GUESSED);
    assert_eq!(guess(&service, STRANGER, b"", &forwarded("192.0.2.2")).await, SLOWED);
    // To who is no proxy, the header is a request that is none.
    assert_eq!(guess(&service, STRANGER, &header("192.0.2.3"), "").await, "400");
    assert_eq!(guess(&service, STRANGER, b"", "").await, SLOWED);
}

#[tokio::test]
async fn nothing_is_believed_unless_it_is_set() {
    let service = service(false, false).await;
    assert_eq!(guess(&service, PROXY, b"", &forwarded("192.0.2.1")).await, GUESSED);
    assert_eq!(guess(&service, PROXY, b"", &forwarded("192.0.2.2")).await, SLOWED);
    assert_eq!(guess(&service, PROXY, &header("192.0.2.3"), "").await, "400");
}

#[rstest]
#[case::a_health_check(raw(&[0x20, 0, 0, 0]))]
#[case::a_health_check_with_addresses([raw(&[0x20, 0x11, 0, 12]), vec![1; 12]].concat())]
#[case::an_unknown_kind(raw(&[0x21, 0, 0, 0]))]
#[case::a_unix_socket([raw(&[0x21, 0x31, 0, 216]), vec![1; 216]].concat())]
#[case::a_datagram([raw(&[0x21, 0x12, 0, 12]), vec![1; 12]].concat())]
#[case::all_that_is_read([raw(&[0x20, 0, 2, 8]), vec![1; 520]].concat())]
#[tokio::test]
async fn a_proxy_that_names_no_client_is_the_client(#[case] header: Vec<u8>) {
    let service = service(true, false).await;
    assert_eq!(guess(&service, PROXY, &header, "").await, GUESSED);
    assert_eq!(guess(&service, PROXY, &raw(&[0x20, 0, 0, 0]), "").await, SLOWED);
}

#[tokio::test]
async fn a_header_may_come_in_pieces_and_say_more_than_addresses() {
    let service = service(true, false).await;
    let mut wire = Wire::connect_from(PROXY, service.server.address).await;
    let mut long = header("192.0.2.1");
    // An unknown kind of addition, three bytes and its value.
    long[15] += 4;
    long.extend([0xEE, 0, 1, 7]);
    for byte in &long {
        wire.send([*byte]).await;
    }
    assert_eq!(wire.ask(GET).await.status(), "401");
}

#[tokio::test]
async fn a_header_comes_before_the_handshake() {
    let pki = Pki::new();
    let mut config = patient();
    config.proxies.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
    config.proxies.proxy_protocol = true;
    let address = async |Extension(peer): Extension<Peer>| peer.address.to_string();
    let router = Router::new().route("/", get(address));
    let server = Server::start_secured(config, &slow_end(), router, Some(pki.load(Clock::System))).await;
    let mut wire = Wire::connect_from(PROXY, server.address).await;
    wire.send(header("192.0.2.1")).await;
    let mut secured = TlsWire::secured_over(wire.stream, &pki.client(None, &TLS13)).await.unwrap();
    assert_eq!(secured.ask(GET).await.body, "192.0.2.1:4711");
}

#[rstest]
#[case::a_request(GET.as_bytes().to_vec())]
#[case::the_older_version(b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n".to_vec())]
#[case::another_version(raw(&[0x31, 0x11, 0, 12]))]
#[case::another_command(raw(&[0x22, 0x11, 0, 12]))]
#[case::another_kind_of_address(raw(&[0x21, 0x41, 0, 12]))]
#[case::another_protocol(raw(&[0x21, 0x13, 0, 12]))]
#[case::too_short_for_its_addresses(raw(&[0x21, 0x11, 0, 11]))]
#[case::longer_than_is_read(raw(&[0x21, 0x11, 2, 9]))]
#[case::as_long_as_can_be(raw(&[0x21, 0x11, 0xFF, 0xFF]))]
#[tokio::test]
async fn a_trusted_proxy_without_a_right_header_is_closed_without_a_word(#[case] first: Vec<u8>) {
    let service = service(true, false).await;
    let mut wire = Wire::connect_from(PROXY, service.server.address).await;
    wire.send(first).await;
    assert_eq!(wire.closed().await, b"");
}

#[tokio::test]
async fn a_header_that_does_not_come_is_not_waited_for() {
    let service = Service::start_with(|config| {
        config.listen.proxies.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
        config.listen.proxies.proxy_protocol = true;
        config.listen.header_timeout = SHORT;
    })
    .await;
    for first in [b"".as_slice(), &header("192.0.2.1")[..20]] {
        let mut wire = Wire::connect_from(PROXY, service.server.address).await;
        wire.send(first).await;
        assert_eq!(wire.closed().await, b"");
    }
}

#[tokio::test]
async fn a_proxy_that_only_looks_whether_somebody_listens_may_leave() {
    let service = service(true, false).await;
    let mut wire = Wire::connect_from(PROXY, service.server.address).await;
    wire.stream.shutdown().await.unwrap();
    assert_eq!(wire.closed().await, b"");
}

#[tokio::test]
async fn the_last_address_of_the_header_that_is_no_proxys_is_the_client() {
    let service = service(false, true).await;
    assert_eq!(guess(&service, PROXY, b"", &forwarded("192.0.2.1")).await, GUESSED);
    // By way of two proxies, whatever the client wrote into the header before.
    for spoofed in ["203.0.113.1, ", "unknown, ", "127.0.0.2, ", ""] {
        let chain = forwarded(&format!("{spoofed}192.0.2.1, 127.0.0.2"));
        assert_eq!(guess(&service, PROXY, b"", &chain).await, SLOWED, "{chain}");
    }
    let mapped = format!("{}{}", forwarded("192.0.2.9"), forwarded("::ffff:192.0.2.1, ::ffff:127.0.0.2"));
    assert_eq!(guess(&service, PROXY, b"", &mapped).await, SLOWED, "{mapped}");
    assert_eq!(guess(&service, PROXY, b"", &forwarded("192.0.2.2, 127.0.0.2")).await, GUESSED);
    // What is no address ends the way: the proxy that wrote it counts.
    assert_eq!(guess(&service, PROXY, b"", &forwarded("192.0.2.4, garbage")).await, GUESSED);
    assert_eq!(guess(&service, PROXY, b"", &forwarded("192.0.2.5, garbage")).await, SLOWED);
}

#[tokio::test]
async fn one_proxy_may_stand_behind_another() {
    let service = service(true, true).await;
    let by_way_of_both = forwarded("192.0.2.1");
    assert_eq!(guess(&service, PROXY, &header("127.0.0.2"), &by_way_of_both).await, GUESSED);
    assert_eq!(guess(&service, PROXY, &header("127.0.0.2"), &by_way_of_both).await, SLOWED);
    // The header of a client that the balancer passes on is the client's own.
    assert_eq!(guess(&service, PROXY, &header("192.0.2.7"), &forwarded("192.0.2.8")).await, GUESSED);
    assert_eq!(guess(&service, PROXY, &header("192.0.2.7"), &forwarded("192.0.2.9")).await, SLOWED);
}
