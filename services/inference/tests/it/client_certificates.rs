//! Client certificates: those that are refused, each counted by its reason; whom the others name; and what each policy
//! makes of them, over real handshakes with the binary itself.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::ExtendedKeyUsagePurpose;
use rstest::rstest;
use rustls::ClientConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use crate::certificates::{Authority, Issued, Pki, TlsWire, Version, dns, from, until};
use crate::issuer::SECRET;
use crate::running::Running;
use crate::service::{one_row, sign_hs256};
use crate::wire::{Answer, within};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn start(pki: &Pki, more: &[&str]) -> Running {
    let arguments = pki.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Running::start(&arguments).await
}

fn request(lines: &str) -> String {
    let body = one_row().to_string();
    let length = body.len();
    format!(
        "POST /api HTTP/1.1\r\nhost: test\r\n{lines}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

async fn ask(service: &Running, client: &Arc<ClientConfig>, lines: &str) -> Answer {
    TlsWire::secured(service.api, client).await.unwrap().ask(request(lines)).await
}

/// What a client hears whose request is not answered. In TLS 1.3 it can send one before the server knows who it is.
async fn refused(service: &Running, client: &Arc<ClientConfig>) -> String {
    match TlsWire::secured(service.api, client).await {
        Err(error) => error.to_string(),
        Ok(mut wire) => {
            // It may be closed already.
            let _sent = wire.stream.write_all(request("").as_bytes()).await;
            wire.try_answer().await.expect_err("no answer")
        }
    }
}

const DAY: u64 = 24 * 60 * 60;

#[rstest]
#[case::expired("certificate_expired", "CertificateExpired", |pki: &Pki| pki.authority.client(|params| until(params, now() - DAY)))]
#[case::not_valid_yet("certificate_not_yet_valid", "CertificateExpired", |pki: &Pki| pki.authority.client(|params| from(params, now() + DAY)))]
#[case::of_another_ca("unknown_issuer", "UnknownCA", |_: &Pki| Authority::new("another").client(|_| {}))]
#[case::of_a_ca_that_only_has_the_name("certificate_bad_signature", "DecryptError", |_: &Pki| Authority::new("root").client(|_| {}))]
#[case::self_signed("unknown_issuer", "UnknownCA", |_: &Pki| Issued::self_signed())]
#[case::for_servers_only("wrong_key_usage", "UnsupportedCertificate", |pki: &Pki| {
    pki.authority.client(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])
})]
#[case::revoked("revoked", "CertificateRevoked", |pki: &Pki| {
    let revoked = pki.authority.client(|_| {});
    pki.write("clients.crl", &pki.authority.crl(&[&revoked]));
    revoked
})]
#[case::of_a_revoked_ca("revoked", "CertificateRevoked", |pki: &Pki| {
    let between = pki.authority.intermediate("between");
    let crls = [pki.authority.crl(&[&between.issued()]), between.crl(&[])].concat();
    pki.write("clients.crl", &crls);
    between.client(|_| {})
})]
#[case::of_a_ca_without_a_crl("unknown_revocation_status", "UnknownCA", |pki: &Pki| {
    pki.write("clients.crl", &pki.authority.crl(&[]));
    pki.authority.intermediate("between").client(|_| {})
})]
#[case::with_a_crl_that_another_signed("unknown_revocation_status", "", |pki: &Pki| {
    pki.write("clients.crl", &Authority::new("root").crl(&[]));
    pki.authority.client(|_| {})
})]
#[case::of_a_ca_itself("bad_certificate", "", |pki: &Pki| pki.authority.intermediate("between").issued())]
#[tokio::test]
async fn a_certificate_that_is_not_right_is_refused_in_the_handshake_and_counted(
    #[case] reason: &str,
    #[case] alert: &str,
    #[case] issue: fn(&Pki) -> Issued,
) {
    let pki = Pki::new();
    let wrong = issue(&pki);
    let service = start(&pki, &["--policy", "either"]).await;
    let series = format!("auth_decisions_total{{method=\"mtls\",outcome=\"{reason}\"}}");
    service.counts(&series, 0).await;
    for (version, times) in [(&TLS12, 1), (&TLS13, 2)] {
        let heard = refused(&service, &pki.client(Some(&wrong), version)).await;
        assert!(heard.contains(alert), "{heard}");
        service.counts(&series, times).await;
    }
    service.counts("connections", 0).await;
}

#[tokio::test]
async fn who_still_sends_when_it_is_refused_hears_why() {
    let pki = Pki::new();
    let service = start(&pki, &["--policy", "mtls"]).await;
    let stranger = pki.client(Some(&Issued::self_signed()), &TLS13);
    // So that our kernel does not take all of it at once.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    let stream = socket.connect(service.api).await.unwrap();
    let mut wire = TlsWire::secured_over(stream, &stranger).await.unwrap();
    // It is being sent while the service decides. Were it not read, the connection would be reset, and some kernels
    // throw away with it what their client has not read yet.
    within(wire.stream.write_all(&vec![b' '; 500_000])).await.expect("all of it is taken");
    assert!(wire.try_answer().await.expect_err("no answer").contains("UnknownCA"));
}

#[rstest]
#[tokio::test]
async fn a_certificate_without_its_key_is_refused(#[values(&TLS12, &TLS13)] version: Version) {
    let pki = Pki::new();
    let (theirs, mine) = (pki.authority.client(|_| {}), pki.authority.client(|_| {}));
    let service = start(&pki, &["--policy", "mtls"]).await;
    let mut thief = ClientConfig::clone(&pki.client(None, version));
    let key = inference::crypto::tls_provider().key_provider.load_private_key(mine.key_der()).unwrap();
    let stolen = CertifiedKey::new(vec![theirs.certificate().clone()], key);
    thief.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(stolen));
    let heard = refused(&service, &Arc::new(thief)).await;
    assert!(heard.contains("DecryptError"), "{heard}");
    service.counts("auth_decisions_total{method=\"mtls\",outcome=\"certificate_bad_signature\"}", 1).await;
}

#[tokio::test]
async fn when_a_crl_ends_nobody_is_let_in_by_it() {
    let pki = Pki::new();
    // Late enough that the service has started by then, on a busy machine too: it does not start with a CRL that ended.
    let next_update = now() + 5;
    pki.write("clients.crl", &pki.authority.crl_until(&[], next_update));
    let service = start(&pki, &["--policy", "mtls"]).await;
    service.counts("tls_client_crl_next_update_timestamp_seconds", next_update).await;
    let client = pki.client(Some(&pki.authority.client(|_| {})), &TLS12);
    within(async {
        while TlsWire::secured(service.api, &client).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(now() >= next_update);
    let heard = refused(&service, &client).await;
    assert!(heard.contains("UnknownCA"), "{heard}");
    service.counts("auth_decisions_total{method=\"mtls\",outcome=\"crl_expired\"}", 2).await;
}

#[tokio::test]
async fn a_certificate_alone_is_a_proof_where_the_policy_says_so() {
    let pki = Pki::new();
    // In production, and without keys for tokens: there are none.
    let service = start(&pki, &["--mode", "production", "--policy", "mtls"]).await;
    let named = pki.client(Some(&pki.authority.client(|_| {})), &TLS13);
    let answer = ask(&service, &named, "").await;
    assert_eq!(answer.status(), "200", "{answer:?}");
    service.counts("auth_decisions_total{method=\"mtls\",outcome=\"allow\"}", 1).await;

    let nameless = pki.authority.client(|params| params.subject_alt_names.clear());
    let answer = ask(&service, &pki.client(Some(&nameless), &TLS13), "").await;
    assert!(answer.is_problem(403, "certificate-refused").contains("names nobody"), "{answer:?}");
    service.counts("auth_decisions_total{method=\"mtls\",outcome=\"nameless_certificate\"}", 1).await;

    let nobody = pki.client(None, &TLS13);
    let answer = ask(&service, &nobody, "").await;
    assert!(answer.is_problem(403, "certificate-refused").contains("no client certificate"), "{answer:?}");
    service.counts("auth_decisions_total{method=\"mtls\",outcome=\"no_certificate\"}", 1).await;
    let mut wire = TlsWire::secured(service.api, &nobody).await.unwrap();
    let answer = wire.ask("GET /v2/health/live HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!(answer.status(), "200", "what is public stays so");
}

#[tokio::test]
async fn another_name_than_the_spiffe_id_may_be_the_callers() {
    let pki = Pki::new();
    let service = start(&pki, &["--policy", "mtls", "--tls-identity", "dns"]).await;
    let by_dns = pki.authority.client(|params| params.subject_alt_names = vec![dns("client.example")]);
    assert_eq!(ask(&service, &pki.client(Some(&by_dns), &TLS13), "").await.status(), "200");
    let by_spiffe = pki.authority.client(|_| {});
    ask(&service, &pki.client(Some(&by_spiffe), &TLS13), "").await.is_problem(403, "certificate-refused");
}

#[tokio::test]
async fn a_stolen_token_is_worth_nothing_without_the_key_of_its_certificate() {
    let pki = Pki::new();
    pki.write("secret", std::str::from_utf8(SECRET).unwrap());
    let secret = pki.path("secret");
    let production = ["--mode", "production", "--jwt-issuer", "me", "--jwt-secret", secret.to_str().unwrap()];
    let (owner, thief) = (pki.authority.client(|_| {}), pki.authority.client(|_| {}));
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(owner.certificate()));
    let claims = json!({
        "iss": "me", "aud": "puntual", "sub": "owner", "exp": now() + DAY, "cnf": {"x5t#S256": thumbprint},
    });
    let token = format!("authorization: Bearer {}\r\n", sign_hs256(&claims, SECRET));
    for (policy, without) in [("bound", 403), ("jwt", 401)] {
        let service = start(&pki, &[&production[..], &["--policy", policy]].concat()).await;
        let owners = ask(&service, &pki.client(Some(&owner), &TLS13), &token).await;
        assert_eq!(owners.status(), "200", "{policy} {owners:?}");
        let with_another = ask(&service, &pki.client(Some(&thief), &TLS13), &token).await;
        with_another.is_problem(401, "unauthenticated");
        let with_none = ask(&service, &pki.client(None, &TLS13), &token).await;
        assert_eq!(with_none.status(), without.to_string(), "{policy} {with_none:?}");
    }
}
