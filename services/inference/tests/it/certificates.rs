//! Certificate authorities of the tests, what they issue, the files that the service is given, and clients of TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Parser;
use inference::identity::Clock;
use inference::tls::{Tls, TlsConfig};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::wire::Wire;

/// Seconds since 1970: before and after everything that the tests do.
pub(crate) const LONG_AGO: u64 = 1_577_836_800;
pub(crate) const FAR_AWAY: u64 = 4_102_444_800;

pub(crate) const NAME: &str = "spiffe://example.org/client";

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// A moment, of the type that `CertificateParams` has it in.
macro_rules! at {
    ($seconds:expr) => {
        date_time_ymd(1970, 1, 1) + Duration::from_secs($seconds)
    };
}

/// Somebody who makes certificates.
pub(crate) struct Authority {
    /// Its own certificate, then those above it.
    chain: Vec<CertificateDer<'static>>,
    serial: SerialNumber,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Issued {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
    serial: SerialNumber,
}

impl Authority {
    /// A root, which signed its own certificate.
    pub(crate) fn new(name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        let serial = params.serial_number.clone().unwrap();
        Self { chain: vec![certificate.der().clone()], serial, issuer: Issuer::new(params, key) }
    }

    /// One whose certificate this one makes.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        self.intermediate_until(name, FAR_AWAY)
    }

    pub(crate) fn intermediate_until(&self, name: &str, end: u64) -> Self {
        let (mut params, key) = (authority(name), KeyPair::generate().unwrap());
        until(&mut params, end);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = [vec![certificate.der().clone()], self.chain.clone()].concat();
        let serial = params.serial_number.clone().unwrap();
        Self { chain, serial, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, as if it were a client.
    pub(crate) fn issued(&self) -> Issued {
        let key = KeyPair::try_from(self.issuer.key().serialized_der()).unwrap();
        Issued { chain: self.without_root(), key, serial: self.serial.clone() }
    }

    /// The root is not sent: who does not have it would not believe it.
    fn without_root(&self) -> Vec<CertificateDer<'static>> {
        self.chain[..self.chain.len() - 1].to_vec()
    }

    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.chain[0])
    }

    /// A certificate as clients have it, before the `change`.
    pub(crate) fn client(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        self.issue(|params| {
            params.subject_alt_names = vec![uri(NAME)];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            change(params);
        })
    }

    /// A certificate for 127.0.0.1.
    pub(crate) fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        self.issue(|params| {
            params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            change(params);
        })
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = params();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = [vec![certificate.der().clone()], self.without_root()].concat();
        Issued { chain, key, serial: params.serial_number.unwrap() }
    }

    /// A CRL that revokes these.
    pub(crate) fn crl(&self, revoked: &[&Issued]) -> String {
        self.crl_until(revoked, FAR_AWAY)
    }

    /// The same, until another moment.
    pub(crate) fn crl_until(&self, revoked: &[&Issued], next_update: u64) -> String {
        let revoked = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: issued.serial.clone(),
            revocation_time: at!(LONG_AGO),
            reason_code: None,
            invalidity_date: None,
        });
        let crl = CertificateRevocationListParams {
            this_update: at!(LONG_AGO),
            next_update: at!(next_update),
            crl_number: SerialNumber::from(NEXT_SERIAL.fetch_add(1, Ordering::Relaxed)),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        crl.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Issued {
    /// One that its owner signed himself.
    pub(crate) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params();
        params.subject_alt_names = vec![uri(NAME)];
        let certificate = params.self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().clone()], key, serial: params.serial_number.unwrap() }
    }

    /// Another certificate for the same key, as PEM.
    pub(crate) fn again(&self, by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = params();
        change(&mut params);
        pem("CERTIFICATE", params.signed_by(&self.key, &by.issuer).unwrap().der())
    }

    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    pub(crate) fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| pem("CERTIFICATE", der)).collect()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

pub(crate) fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().unwrap())
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

pub(crate) fn email(name: &str) -> SanType {
    SanType::Rfc822Name(name.try_into().unwrap())
}

/// Sets until when a certificate is valid, in seconds since 1970.
pub(crate) fn until(params: &mut CertificateParams, seconds: u64) {
    params.not_after = at!(seconds);
}

/// Sets from when on.
pub(crate) fn from(params: &mut CertificateParams, seconds: u64) {
    params.not_before = at!(seconds);
}

/// Valid for as long as the tests know, with a serial number of its own.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (at!(LONG_AGO), at!(FAR_AWAY));
    params.serial_number = Some(SerialNumber::from(NEXT_SERIAL.fetch_add(1, Ordering::Relaxed)));
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params();
    params.distinguished_name.push(DnType::CommonName, DnValue::from(name));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// An authority for both sides, and the files of a service that goes by it.
pub(crate) struct Pki {
    pub(crate) authority: Authority,
    pub(crate) server: Issued,
    folder: TempDir,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("root");
        let server = authority.server(|_| {});
        let pki = Self { authority, server, folder: tempfile::tempdir().unwrap() };
        pki.write("server.pem", &pki.server.chain_pem());
        pki.write("server.key", &pki.server.key_pem());
        pki.write("clients.pem", &pki.authority.pem());
        pki
    }

    /// Whole or not at all, as a deployment does it.
    pub(crate) fn write(&self, file: &str, content: &str) {
        let next = self.path("next");
        std::fs::write(&next, content).unwrap();
        std::fs::rename(next, self.path(file)).unwrap();
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The command line of a service that asks for client certificates, and goes by a CRL where its file was written.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (flag, file) in [
            ("--tls-certificate", "server.pem"),
            ("--tls-key", "server.key"),
            ("--tls-client-ca", "clients.pem"),
            ("--tls-crl", "clients.crl"),
        ] {
            if self.path(file).exists() {
                arguments.extend([flag.to_owned(), self.path(file).to_str().unwrap().to_owned()]);
            }
        }
        arguments
    }

    pub(crate) fn config(&self) -> TlsConfig {
        #[derive(Parser)]
        struct CommandLine {
            #[command(flatten)]
            tls: TlsConfig,
        }
        let arguments = [vec!["inference".to_owned()], self.arguments()].concat();
        CommandLine::parse_from(arguments).tls
    }

    pub(crate) fn load(&self, clock: Clock) -> Tls {
        Tls::load(&self.config(), clock).unwrap().expect("there is a certificate")
    }

    /// A client that shows this certificate, or none.
    pub(crate) fn client(&self, shows: Option<&Issued>, version: Version) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.chain[0].clone()).unwrap();
        let config = ClientConfig::builder_with_provider(inference::crypto::tls_provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match shows {
            None => config.with_no_client_auth(),
            Some(shows) => config.with_client_auth_cert(shows.chain.clone(), shows.key_der()).unwrap(),
        })
    }
}

pub(crate) type Version = &'static SupportedProtocolVersion;
pub(crate) type TlsWire = Wire<TlsStream<TcpStream>>;

impl TlsWire {
    /// A connection after its handshake, as far as the client can tell: in TLS 1.3 it is done before the server has
    /// seen the client's certificate.
    pub(crate) async fn secured(to: SocketAddr, client: &Arc<ClientConfig>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Self::secure(stream, client).await
    }

    /// The same on a connection that is there already.
    pub(crate) async fn secure(stream: TcpStream, client: &Arc<ClientConfig>) -> std::io::Result<Self> {
        let name = ServerName::from(stream.peer_addr()?.ip());
        Ok(Self::over(TlsConnector::from(Arc::clone(client)).connect(name, stream).await?))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}
