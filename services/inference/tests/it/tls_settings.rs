//! Settings and files of TLS that the service does not start with, and that it says why.

use inference::identity::Clock;
use inference::tls::Tls;
use rstest::rstest;

use crate::certificates::{Authority, Pki, from, until};
use crate::service::NOW;
use crate::startup::{inference, stderr};

#[rstest]
#[case::a_certificate_without_its_key(&["--tls-certificate", "a.pem"], "--tls-key <FILE>")]
#[case::a_key_without_its_certificate(&["--tls-key", "a.key"], "--tls-certificate <FILE>")]
#[case::a_client_ca_without_tls(&["--tls-client-ca", "ca.pem"], "--tls-certificate <FILE>")]
#[case::a_crl_without_a_ca(&["--tls-certificate", "a", "--tls-key", "b", "--tls-crl", "c"], "--tls-client-ca <FILE>")]
#[case::no_such_name(&["--tls-identity", "subject"], "possible values: spiffe, dns, email")]
#[case::mtls(&["--policy", "mtls"], "--policy mtls is about client certificates, of which none would be asked for")]
#[case::either(&["--policy", "either"], "give the CAs that make them with --tls-client-ca")]
#[case::both(&["--policy", "both"], "--policy both is about client certificates")]
#[case::bound(&["--policy", "bound"], "--policy bound is about client certificates")]
#[case::no_file(&["--tls-certificate", "/nowhere/a.pem", "--tls-key", "b"], "--tls-certificate /nowhere/a.pem: cannot be read: ")]
#[test]
fn does_not_start_and_says_why(#[case] arguments: &[&str], #[case] says: &str) {
    let output = inference(arguments);
    assert!(!output.status.success() && stderr(&output).contains(says), "{}", stderr(&output));
}

fn nothing(_: &Pki) -> String {
    String::new()
}

#[rstest]
#[case::no_certificate(
    "server.pem",
    nothing,
    "holds no certificate; expected PEM with `-----BEGIN CERTIFICATE-----`"
)]
#[case::no_key(
    "server.key",
    nothing,
    "holds no private key; expected PEM with `-----BEGIN PRIVATE KEY-----`"
)]
#[case::no_ca("clients.pem", nothing, "holds no certificate")]
#[case::no_crl(
    "clients.crl",
    nothing,
    "holds no certificate revocation list; expected PEM with `-----BEGIN X509 CRL-----`"
)]
#[case::half_a_file("server.pem", |pki: &Pki| pki.server.chain_pem()[..200].to_owned(), "not PEM: missing section end")]
#[case::no_der_in_the_pem("server.pem", |_: &Pki| "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), "certificate 1 cannot be read")]
#[case::another_key("server.key", |pki: &Pki| pki.authority.server(|_| {}).key_pem(), "not the key of the certificate in --tls-certificate")]
#[case::an_expired_certificate(
    "server.pem", |pki: &Pki| pki.server.again(&pki.authority, |params| until(params, NOW - 1)),
    "certificate 1 is expired since 2027-01-15T07:59:59Z; expected one that is valid now"
)]
#[case::a_certificate_of_tomorrow(
    "server.pem", |pki: &Pki| pki.server.again(&pki.authority, |params| from(params, NOW + 1)),
    "certificate 1 is valid from 2027-01-15T08:00:01Z on; expected one that is valid now"
)]
#[case::a_client_for_a_ca(
    "clients.pem", |pki: &Pki| pki.authority.pem() + &pki.authority.client(|_| {}).chain_pem(),
    "certificate 2 is not a CA's (basic constraints, CA:TRUE)"
)]
#[case::no_crl_in_the_pem("clients.crl", |_: &Pki| "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".to_owned(), "CRL 1 cannot be read")]
#[case::an_expired_crl(
    "clients.crl", |pki: &Pki| pki.authority.crl(&[]) + &Authority::new("other").crl_until(&[], NOW),
    "CRL 2 is expired since 2027-01-15T08:00:00Z; expected one that is valid now"
)]
#[test]
fn files_that_are_not_right_are_refused_with_what_would_be(
    #[case] file: &str,
    #[case] content: fn(&Pki) -> String,
    #[case] says: &str,
) {
    let pki = Pki::new();
    pki.write("clients.crl", &pki.authority.crl(&[]));
    pki.write(file, &content(&pki));
    let error = Tls::load(&pki.config(), Clock::Manual(std::sync::Arc::new(NOW.into()))).unwrap_err();
    let flag = match file {
        "server.pem" => "--tls-certificate",
        "server.key" => "--tls-key",
        "clients.pem" => "--tls-client-ca",
        _ => "--tls-crl",
    };
    let expected = format!("{flag} {}: {says}", pki.path(file).display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn times_at_their_edges_are_right() {
    let pki = Pki::new();
    let edge = pki.server.again(&pki.authority, |params| {
        from(params, NOW);
        until(params, NOW);
    });
    pki.write("server.pem", &edge);
    pki.write("clients.crl", &pki.authority.crl_until(&[], NOW + 1));
    pki.load(Clock::Manual(std::sync::Arc::new(NOW.into())));
}
