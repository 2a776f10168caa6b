//! The files of TLS change while connections are open: what is new counts at once, what is wrong not at all, and who is
//! not let in any more loses what he has open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use inference::identity::Clock;
use inference::tls::{Reload, Tls};
use rstest::rstest;
use rustls::ClientConfig;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;

use crate::certificates::{Authority, FAR_AWAY, Issued, NAME, Pki, TlsWire, until};
use crate::drain::slow_handler;
use crate::protocols::{http2_get, http2_over};
use crate::running::Running;
use crate::service::NOW;
use crate::tls::who_am_i;
use crate::wire::{GET, SHORT, Server, patient, slow_end, within};

/// A service that goes by a CRL, on a clock that a test moves, and two of its clients.
struct Secured {
    pki: Pki,
    tls: Tls,
    clock: Arc<AtomicU64>,
    server: Server,
    ann: Issued,
    bob: Issued,
}

impl Secured {
    async fn start() -> Self {
        Self::start_with(who_am_i()).await
    }

    async fn start_with(router: Router) -> Self {
        let pki = Pki::new();
        let (ann, bob) =
            (pki.authority.client(|params| until(params, NOW + 100)), pki.authority.client(|_| {}));
        pki.write("clients.crl", &pki.authority.crl(&[]));
        let clock = Arc::new(AtomicU64::new(NOW));
        let tls = pki.load(Clock::Manual(Arc::clone(&clock)));
        let server = Server::start_secured(patient(), &slow_end(), router, Some(tls.clone())).await;
        Self { pki, tls, clock, server, ann, bob }
    }

    async fn connect(&self, client: &Issued) -> TlsWire {
        TlsWire::secured(self.server.address, &self.pki.client(Some(client), &TLS13)).await.unwrap()
    }

    fn reload(&self) {
        assert_eq!(self.tls.reload().unwrap(), Reload::Applied);
    }

    fn revoke_ann(&self) {
        self.pki.write("clients.crl", &self.pki.authority.crl(&[&self.ann]));
        self.reload();
    }
}

/// Asks, and hears nothing.
async fn is_not_answered(client: &mut TlsWire) {
    // It may be closed already.
    let _sent = client.stream.write_all(GET.as_bytes()).await;
    let answer = within(client.try_answer()).await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn a_revoked_certificate_loses_its_open_connection_and_nobody_else_does() {
    let secured = Secured::start().await;
    let (mut ann, mut bob) = (secured.connect(&secured.ann).await, secured.connect(&secured.bob).await);
    assert_eq!(ann.ask(GET).await.body, NAME);
    assert_eq!(bob.ask(GET).await.body, NAME);
    secured.revoke_ann();
    // Without asking for anything.
    assert_eq!(ann.closed().await, b"");
    assert_eq!(bob.ask(GET).await.body, NAME);
    assert_eq!(secured.connect(&secured.bob).await.ask(GET).await.body, NAME);
}

#[tokio::test]
async fn a_revoked_certificate_loses_its_open_http_2_connection() {
    let secured = Secured::start().await;
    let mut config = ClientConfig::clone(&secured.pki.client(Some(&secured.ann), &TLS13));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let wire = TlsWire::secured(secured.server.address, &Arc::new(config)).await.unwrap();
    let (mut ann, connection) = http2_over(wire.stream).await;
    assert_eq!(within(ann.send_request(http2_get())).await.unwrap().status(), 200);
    secured.revoke_ann();
    let _ended = within(connection).await.unwrap();
    assert!(within(ann.send_request(http2_get())).await.is_err());
}

#[rstest]
#[case::http_1(b"http/1.1")]
#[case::http_2(b"h2")]
#[tokio::test]
async fn what_a_revoked_certificate_has_in_flight_is_not_answered(#[case] protocol: &[u8]) {
    let (slow, begun, _never) = slow_handler();
    let secured = Secured::start_with(slow).await;
    let mut config = ClientConfig::clone(&secured.pki.client(Some(&secured.ann), &TLS13));
    config.alpn_protocols = vec![protocol.to_vec()];
    let mut wire = TlsWire::secured(secured.server.address, &Arc::new(config)).await.unwrap();
    if protocol == b"h2" {
        let (mut ann, _connection) = http2_over(wire.stream).await;
        let asked = tokio::spawn(async move { ann.send_request(http2_get()).await });
        within(begun.notified()).await;
        secured.revoke_ann();
        assert!(within(asked).await.unwrap().is_err());
    } else {
        wire.send(GET).await;
        within(begun.notified()).await;
        secured.revoke_ann();
        assert_eq!(wire.closed().await, b"");
    }
}

#[tokio::test]
async fn requests_that_wait_behind_another_are_not_begun_any_more() {
    let (slow, begun, finish) = slow_handler();
    let secured = Secured::start_with(slow).await;
    let mut ann = secured.connect(&secured.ann).await;
    ann.send(GET.repeat(3)).await;
    within(begun.notified()).await;
    // By the time alone, of which nothing wakes the connection: it is found out by the next request.
    secured.clock.store(NOW + 101, Ordering::Relaxed);
    finish.notify_one();
    assert_eq!(ann.answer().await.body, "done", "it was asked for in time");
    assert_eq!(ann.closed().await, b"");
    assert!(tokio::time::timeout(Duration::ZERO, begun.notified()).await.is_err(), "the second was begun");
}

#[rstest]
#[case::its_certificate_ended(NOW + 101, |_: &Secured| {})]
#[case::its_ca_is_gone(NOW, |secured: &Secured| {
    secured.pki.write("clients.pem", &Authority::new("another").pem());
    secured.reload();
})]
#[tokio::test]
async fn who_would_not_be_let_in_now_is_not_answered(#[case] at: u64, #[case] change: fn(&Secured)) {
    let secured = Secured::start().await;
    let mut ann = secured.connect(&secured.ann).await;
    assert_eq!(ann.ask(GET).await.body, NAME);
    change(&secured);
    secured.clock.store(at, Ordering::Relaxed);
    is_not_answered(&mut ann).await;
}

#[tokio::test]
async fn a_new_crl_counts_until_its_own_end() {
    let secured = Secured::start().await;
    let mut bob = secured.connect(&secured.bob).await;
    assert_eq!(bob.ask(GET).await.body, NAME);
    secured.pki.write("clients.crl", &secured.pki.authority.crl_until(&[], NOW + 50));
    secured.reload();
    for second in [NOW, NOW + 49] {
        secured.clock.store(second, Ordering::Relaxed);
        assert_eq!(bob.ask(GET).await.body, NAME);
    }
    secured.clock.store(NOW + 50, Ordering::Relaxed);
    is_not_answered(&mut bob).await;
}

#[tokio::test]
async fn up_to_its_last_second_a_certificate_is_good() {
    let secured = Secured::start().await;
    let mut ann = secured.connect(&secured.ann).await;
    for second in [NOW, NOW + 99, NOW + 100] {
        secured.clock.store(second, Ordering::Relaxed);
        assert_eq!(ann.ask(GET).await.body, NAME);
    }
    secured.clock.store(NOW + 101, Ordering::Relaxed);
    is_not_answered(&mut ann).await;
}

#[tokio::test]
async fn a_certificate_between_client_and_ca_ends_the_connection_with_its_own_time() {
    let secured = Secured::start().await;
    let between = secured.pki.authority.intermediate_until("between", NOW + 10);
    let crls = [secured.pki.authority.crl(&[]), between.crl(&[])].concat();
    secured.pki.write("clients.crl", &crls);
    secured.reload();
    let mut client = secured.connect(&between.client(|_| {})).await;
    secured.clock.store(NOW + 10, Ordering::Relaxed);
    assert_eq!(client.ask(GET).await.body, NAME);
    secured.clock.store(NOW + 11, Ordering::Relaxed);
    is_not_answered(&mut client).await;
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_ends_with_its_certificate() {
    let pki = Pki::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let tls = pki.load(Clock::System);
    let server = Server::start_secured(patient(), &slow_end(), who_am_i(), Some(tls)).await;
    let short = pki.authority.client(|params| until(params, now + 2));
    let mut client = TlsWire::secured(server.address, &pki.client(Some(&short), &TLS13)).await.unwrap();
    assert_eq!(client.ask(GET).await.body, NAME);
    assert_eq!(client.closed().await, b"");
}

#[tokio::test]
async fn another_server_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let secured = Secured::start().await;
    let mut old = secured.connect(&secured.bob).await;
    let shown = |wire: &TlsWire| wire.stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(&shown(&old), secured.pki.server.certificate());
    let next = secured.pki.authority.server(|_| {});
    // One after the other: a look between the two finds a key that does not fit.
    secured.pki.write("server.pem", &next.chain_pem());
    let error = secured.tls.reload().unwrap_err().to_string();
    assert!(error.contains("not the key of the certificate"), "{error}");
    assert_eq!(&shown(&secured.connect(&secured.bob).await), secured.pki.server.certificate());
    secured.pki.write("server.key", &next.key_pem());
    secured.reload();
    let mut new = secured.connect(&secured.bob).await;
    assert_eq!(&shown(&new), next.certificate());
    assert_eq!((old.ask(GET).await.body, new.ask(GET).await.body), (NAME.to_owned(), NAME.to_owned()));
    assert_eq!(secured.tls.reload().unwrap(), Reload::Unchanged);
}

#[tokio::test]
async fn files_that_are_not_right_change_nothing() {
    let secured = Secured::start().await;
    secured.revoke_ann();
    let mut open = secured.connect(&secured.bob).await;
    let expired = secured.pki.authority.crl_until(&[], NOW);
    for (file, content) in [
        ("clients.crl", expired.as_str()),
        ("clients.crl", "no PEM"),
        ("clients.pem", ""),
        ("server.key", ""),
    ] {
        let before = std::fs::read_to_string(secured.pki.path(file)).unwrap();
        secured.pki.write(file, content);
        secured.tls.reload().unwrap_err();
        assert_eq!(open.ask(GET).await.body, NAME);
        assert_eq!(secured.connect(&secured.bob).await.ask(GET).await.body, NAME);
        // Still by the CRL from before.
        let mut ann = secured.connect(&secured.ann).await;
        is_not_answered(&mut ann).await;
        secured.pki.write(file, &before);
    }
}

/// The binary, asked for nothing but the change of its files.
async fn running(pki: &Pki, poll: &str) -> Running {
    let arguments = pki.arguments();
    let more = ["--policy", "mtls", "--tls-poll", poll];
    Running::start(&arguments.iter().map(String::as_str).chain(more).collect::<Vec<_>>()).await
}

fn reloads(outcome: &str) -> String {
    format!("tls_reloads_total{{outcome=\"{outcome}\"}}")
}

#[rstest]
#[case::by_looking("20ms")]
#[case::by_the_signal("1h")]
#[tokio::test]
async fn a_changed_file_is_found_and_counted(#[case] poll: &str) {
    let pki = Pki::new();
    let ann = pki.authority.client(|_| {});
    pki.write("clients.crl", &pki.authority.crl(&[]));
    let service = running(&pki, poll).await;
    let look = || {
        if poll == "1h" {
            let id = service.process.id().to_string();
            assert!(std::process::Command::new("kill").args(["-s", "HUP", &id]).status().unwrap().success());
        }
    };
    for outcome in ["applied", "unchanged", "refused"] {
        service.counts(&reloads(outcome), 0).await;
    }
    service.counts("tls_client_crl_next_update_timestamp_seconds", FAR_AWAY).await;
    let mut open = TlsWire::secured(service.api, &pki.client(Some(&ann), &TLS12)).await.unwrap();

    pki.write("clients.crl", "no PEM");
    look();
    service.counts(&reloads("refused"), 1).await;
    // Long enough for more looks, which find the same and tell nobody.
    tokio::time::sleep(SHORT).await;
    service.counts(&reloads("refused"), 1).await;
    pki.write("clients.crl", &pki.authority.crl_until(&[&ann], FAR_AWAY - 1));
    look();
    service.counts(&reloads("applied"), 1).await;
    service.counts("tls_client_crl_next_update_timestamp_seconds", FAR_AWAY - 1).await;
    assert_eq!(open.closed().await, b"");
    service.counts("auth_decisions_total{method=\"mtls\",outcome=\"revoked\"}", 1).await;
    service.counts("connections", 0).await;
    if poll == "1h" {
        look();
        service.counts(&reloads("unchanged"), 1).await;
    }
}

#[tokio::test]
async fn what_was_refused_is_taken_when_it_becomes_right() {
    let secured = Secured::start().await;
    let tomorrow = secured.pki.server.again(&secured.pki.authority, |params| {
        params.subject_alt_names = vec![rcgen::SanType::IpAddress([127, 0, 0, 1].into())];
        crate::certificates::from(params, NOW + 10);
    });
    secured.pki.write("server.pem", &tomorrow);
    let error = secured.tls.reload().unwrap_err().to_string();
    assert!(error.contains("is valid from"), "{error}");
    secured.clock.store(NOW + 10, Ordering::Relaxed);
    secured.reload();
}
