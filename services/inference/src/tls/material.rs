//! One generation of what handshakes are made with: built whole from the files, or not at all.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use x509_parser::prelude::{ASN1Time, CertificateRevocationList, FromDer, X509Certificate};

use super::files::{File, Files};
use super::{CertificateRefusal, TlsError, TlsProblem};
use crate::crypto;
use crate::identity::Clock;

/// What clients and server may speak within TLS, what the server likes best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What connections are begun with, and their certificates held against, until the next generation.
#[derive(Debug)]
pub(super) struct Material {
    pub(super) server: Arc<ServerConfig>,
    /// Which files it was built from.
    pub(super) digest: [u8; 32],
    clients: Option<Arc<dyn ClientCertVerifier>>,
    /// The `nextUpdate` of each CRL, in seconds since the Unix epoch.
    next_updates: Vec<u64>,
}

impl Material {
    /// Whatever is wrong with a file is found here and not by the first client.
    pub(super) fn build(files: &Files, clock: &Clock) -> Result<Self, TlsError> {
        let now = clock.now();
        let provider = crypto::tls_provider();
        let mut next_updates = Vec::new();
        let clients = match &files.client_ca {
            Some(authorities) => {
                let roots = Arc::new(roots(authorities)?);
                let mut crls = Vec::new();
                for file in &files.crls {
                    for (crl, next_update) in revocation_lists(file, &roots, &provider, now)? {
                        crls.push(crl);
                        next_updates.push(next_update);
                    }
                }
                let unusable = |error: VerifierBuilderError| {
                    authorities.is_wrong(TlsProblem::unusable("certificate", 1, error))
                };
                Some(verifier(&roots, crls, &provider).map_err(unusable)?)
            }
            None => None,
        };
        let chain = server_chain(&files.certificate, now)?;
        let server = server(chain, &files.key, clients.clone(), provider, clock)?;
        Ok(Self { server: Arc::new(server), digest: files.digest(), clients, next_updates })
    }

    /// When the first of the CRLs will be past its time, in seconds since the Unix epoch.
    pub(super) fn next_update(&self) -> Option<u64> {
        self.next_updates.iter().copied().min()
    }

    /// The same question that the handshake asks, again.
    pub(super) fn verify(&self, chain: &[CertificateDer<'_>], now: u64) -> Result<(), CertificateRefusal> {
        let (Some(clients), Some((certificate, rest))) = (&self.clients, chain.split_first()) else {
            return Err(CertificateRefusal::UnknownIssuer);
        };
        let verified = clients.verify_client_cert(certificate, rest, unix_time(now));
        let refused = |error| CertificateRefusal::of(&error).unwrap_or(CertificateRefusal::BadCertificate);
        verified.map(|_| ()).map_err(refused)
    }

    /// The first second after `now` from which on a chain, whose certificates `end` then, may be judged differently
    /// though no file changes.
    pub(super) fn judged_until(&self, ends: &[u64], now: u64) -> u64 {
        self.next_updates.iter().chain(ends).copied().filter(|end| *end > now).min().unwrap_or(u64::MAX)
    }
}

/// For rustls, which takes the time of the handshake from here as well.
impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.now()))
    }
}

const fn unix_time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

/// Seconds since the Unix epoch; what was before it is 0.
pub(super) fn seconds(time: ASN1Time) -> u64 {
    time.timestamp().try_into().unwrap_or(0)
}

fn server(
    chain: Vec<CertificateDer<'static>>,
    key: &File,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
    clock: &Clock,
) -> Result<ServerConfig, TlsError> {
    let der: PrivateKeyDer<'static> = key.sections("private key", "PRIVATE KEY")?.swap_remove(0);
    let wrong_key = |error| key.is_wrong(TlsProblem::WrongKey(error));
    let mut server = ServerConfig::builder_with_details(provider, Arc::new(clock.clone()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(wrong_key)?
        .with_client_cert_verifier(clients.unwrap_or_else(|| Arc::new(NoClientAuth)))
        .with_single_cert(chain, der)
        .map_err(wrong_key)?;
    server.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // A resumed session brings the certificate of the first one along without another look at it
    // (docs/adr/0011-client-certificates.md). Tickets are not made by default; said again, because it matters.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    server.max_early_data_size = 0;
    Ok(server)
}

/// The certificate of the server and those after it, each valid now: a client would refuse it.
fn server_chain(file: &File, now: u64) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = certificates(file)?;
    for (item, der) in (1..).zip(&chain) {
        let certificate = parsed(file, item, der)?;
        let (from, end) = (seconds(certificate.validity.not_before), seconds(certificate.validity.not_after));
        if now < from {
            return Err(file.is_wrong(TlsProblem::NotYetValid { item, from }));
        }
        if now > end {
            return Err(file.is_wrong(TlsProblem::Expired { kind: "certificate", item, since: end }));
        }
    }
    Ok(chain)
}

/// The CAs of clients. Their own time is not looked at (RFC 5280 §6.1.1 d): who distrusts one takes it out.
fn roots(file: &File) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for (item, der) in (1..).zip(certificates(file)?) {
        if !parsed(file, item, &der)?.is_ca() {
            return Err(file.is_wrong(TlsProblem::NotAnAuthority { item }));
        }
        roots.add(der).map_err(|error| file.is_wrong(TlsProblem::unusable("certificate", item, error)))?;
    }
    Ok(roots)
}

/// Clients without a certificate are let in, whatever the policy: they are told with 403 what is missing, and what is
/// public stays so. With CRLs the whole chain is checked, and a certificate of which no valid CRL tells is refused.
fn verifier(
    roots: &Arc<RootCertStore>,
    crls: Vec<CertificateRevocationListDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .allow_unauthenticated()
        .with_crls(crls)
        .enforce_revocation_expiration()
        .build()
}

/// The CRLs of a file, each valid now, with its `nextUpdate`.
fn revocation_lists(
    file: &File,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    now: u64,
) -> Result<Vec<(CertificateRevocationListDer<'static>, u64)>, TlsError> {
    let crls: Vec<CertificateRevocationListDer<'static>> =
        file.sections("certificate revocation list", "X509 CRL")?;
    let valid = |(item, der): (usize, CertificateRevocationListDer<'static>)| {
        let unusable =
            |reason: &dyn ToString| file.is_wrong(TlsProblem::unusable("CRL", item, reason.to_string()));
        // One by one, so that the error can say which. rustls asks for more than the parser does.
        verifier(roots, vec![der.clone()], provider).map_err(|error| unusable(&error))?;
        let (_, crl) = CertificateRevocationList::from_der(&der).map_err(|error| unusable(&error))?;
        let next_update = crl.next_update().map(seconds).ok_or_else(|| unusable(&"no `nextUpdate`"))?;
        if next_update <= now {
            return Err(file.is_wrong(TlsProblem::Expired { kind: "CRL", item, since: next_update }));
        }
        Ok((der, next_update))
    };
    (1..).zip(crls).map(valid).collect()
}

fn certificates(file: &File) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    file.sections("certificate", "CERTIFICATE")
}

fn parsed<'a>(file: &File, item: usize, der: &'a [u8]) -> Result<X509Certificate<'a>, TlsError> {
    let parsed = X509Certificate::from_der(der);
    parsed
        .map(|(_, certificate)| certificate)
        .map_err(|error| file.is_wrong(TlsProblem::unusable("certificate", item, error)))
}
