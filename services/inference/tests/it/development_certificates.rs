//! The certificates of `inference keys ca` and `revoke`, judged by the library that judges them in the service.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, RootCertStore};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, GeneralName, X509Certificate};

use crate::made::{Folder, claims_of, made, refused};

/// A folder with an authority and these clients.
fn authority(clients: &[&str]) -> Folder {
    let folder = Folder::new();
    let path = folder.arg("");
    let clients = clients.iter().flat_map(|client| ["--client", client]);
    let said = made(&["keys", "ca", &path].into_iter().chain(clients).collect::<Vec<_>>());
    assert!(said.contains("expires in 7 days"), "{said}");
    folder
}

fn certificate(folder: &Folder, file: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&folder.read(file)).unwrap()
}

fn roots(folder: &Folder) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(folder, "ca.pem")).unwrap();
    Arc::new(roots)
}

fn in_days(days: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs() + days * 24 * 60 * 60))
}

/// What a server that trusts the authority and reads its list says to a client's certificate at this time.
fn client(folder: &Folder, file: &str, at: UnixTime) -> Result<(), rustls::Error> {
    let list = CertificateRevocationListDer::from_pem_slice(&folder.read("crl.pem")).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(folder), provider)
        .with_crls([list])
        .enforce_revocation_expiration()
        .build()
        .unwrap();
    verifier.verify_client_cert(&certificate(folder, file), &[], at).map(drop)
}

/// What a client that trusts the authority says to the server's certificate under this name.
fn server(folder: &Folder, file: &str, name: &str) -> Result<(), rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(folder), provider).build().unwrap();
    let name = ServerName::try_from(name).unwrap();
    verifier.verify_server_cert(&certificate(folder, file), &[], &name, &[], in_days(0)).map(drop)
}

fn refuses(result: Result<(), rustls::Error>) -> CertificateError {
    match result {
        Err(rustls::Error::InvalidCertificate(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_server_is_whom_this_machine_calls_so_and_the_client_is_no_server() {
    let folder = authority(&[]);
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert_eq!(server(&folder, "server.pem", name), Ok(()), "{name}");
    }
    let another = refuses(server(&folder, "server.pem", "example.org"));
    assert!(matches!(another, CertificateError::NotValidForNameContext { .. }), "{another:?}");
    let purpose = refuses(server(&folder, "client.pem", "localhost"));
    assert!(matches!(purpose, CertificateError::InvalidPurposeContext { .. }), "{purpose:?}");
}

#[test]
fn a_client_is_let_in_for_some_days_and_names_whom_it_was_made_for() {
    let names = ["spiffe://example.org/a", "b.example.org", "c@example.org"];
    let folder = authority(&names);
    for (file, name) in ["client.pem", "client-2.pem", "client-3.pem"].into_iter().zip(names) {
        assert_eq!(client(&folder, file, in_days(6)), Ok(()), "{file}");
        let over = refuses(client(&folder, file, in_days(8)));
        assert!(matches!(over, CertificateError::ExpiredContext { .. }), "{over:?}");
        assert_eq!(folder.mode(&file.replace(".pem", ".key.pem")), 0o600);

        let der = certificate(&folder, file);
        let (_, parsed) = X509Certificate::from_der(&der).unwrap();
        let names = parsed.subject_alternative_name().unwrap().unwrap().value.general_names.clone();
        let expected = match file {
            "client.pem" => GeneralName::URI(name),
            "client-2.pem" => GeneralName::DNSName(name),
            _ => GeneralName::RFC822Name(name),
        };
        assert_eq!(names, [expected]);
    }
    let purpose = refuses(client(&folder, "server.pem", in_days(0)));
    assert!(matches!(purpose, CertificateError::InvalidPurposeContext { .. }), "{purpose:?}");
    assert_eq!(folder.mode("ca.key.pem"), 0o600);
}

#[test]
fn who_is_revoked_stays_so_and_nobody_else_is() {
    let folder = authority(&["spiffe://a/1", "spiffe://a/2", "spiffe://a/3"]);
    let revoke = |file: &str| made(&["keys", "revoke", &folder.arg(""), &folder.arg(file)]);
    let revoked = |file: &str| {
        client(&folder, file, in_days(0))
            .is_err_and(|error| error == rustls::Error::InvalidCertificate(CertificateError::Revoked))
    };
    assert!(revoke("client.pem").contains("\n1 revoked"));
    assert!(revoke("client-2.pem").contains("\n2 revoked"));
    assert!(revoke("client.pem").contains("\n2 revoked"), "once is enough");
    assert!(revoked("client.pem") && revoked("client-2.pem"));
    assert_eq!(client(&folder, "client-3.pem", in_days(6)), Ok(()));
    assert!(!folder.files().contains(&"crl.new".to_owned()));

    let list = CertificateRevocationListDer::from_pem_slice(&folder.read("crl.pem")).unwrap();
    let (_, list) = CertificateRevocationList::from_der(&list).unwrap();
    assert_eq!(list.crl_number().unwrap().to_string(), "4", "each list has the next number");
}

#[test]
fn a_list_that_is_only_signed_anew_revokes_whom_it_did_for_as_long_as_was_asked() {
    let folder = authority(&["spiffe://a/1", "spiffe://a/2"]);
    let revoke = |arguments: &[&str]| made(&[&["keys", "revoke", &folder.arg("")], arguments].concat());
    revoke(&[&folder.arg("client.pem")]);
    assert!(revoke(&["--expires-in", "36h"]).contains("\n1 revoked; the list expires in 1day 12h"));
    assert_eq!(refuses(client(&folder, "client.pem", in_days(1))), CertificateError::Revoked);
    assert_eq!(client(&folder, "client-2.pem", in_days(1)), Ok(()));
    let over = refuses(client(&folder, "client-2.pem", in_days(2)));
    assert!(matches!(over, CertificateError::ExpiredRevocationListContext { .. }), "{over:?}");
}

#[test]
fn only_what_the_authority_issued_is_revoked() {
    let (folder, stranger) = (authority(&[]), authority(&[]));
    let before = folder.read("crl.pem");
    let revoke = |file: String| refused(&["keys", "revoke", &folder.arg(""), &file]);
    assert!(revoke(stranger.arg("client.pem")).contains("client.pem: not issued by"));
    assert!(revoke(folder.arg("client.key.pem")).contains("client.key.pem: expected a certificate in PEM"));
    assert_eq!(folder.read("crl.pem"), before);
    std::fs::write(folder.path("crl.pem"), "").unwrap();
    assert!(revoke(folder.arg("client.pem")).contains("crl.pem: expected a list of revoked"));
}

#[test]
fn a_token_is_bound_to_a_certificate_by_its_thumbprint() {
    let folder = authority(&[]);
    folder.signing("EdDSA");
    let token = folder.token("eddsa.key.pem", &["--bound-to", &folder.arg("client.pem")]);
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate(&folder, "client.pem")));
    assert_eq!(claims_of(&token)["cnf"], json!({"x5t#S256": thumbprint}));
}
