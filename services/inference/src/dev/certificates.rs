//! Certificates to throw away: an authority, a server, clients, and the list of those that are revoked. Good for some
//! days, because they lie about in files.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

use super::keys::wrote;
use super::new_files::{self, For, NewFile};
use super::{DevError, read};
use crate::config::some_time;

/// How long certificates and the first list of revoked ones are good.
const GOOD_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const EXPIRY: &str = "all of it expires in 7 days";

const CA: &str = "ca.pem";
const CA_KEY: &str = "ca.key.pem";
const CRL: &str = "crl.pem";

/// An authority to make.
#[derive(Debug, clap::Args)]
pub(super) struct Authority {
    /// Where to write ca.pem, server.pem, client.pem (the second client's is client-2.pem), each with its .key.pem, and
    /// crl.pem
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Whom a client certificate names: a SPIFFE id, a DNS name or an email address (may be given more than once)
    #[arg(long = "client", value_name = "NAME", default_value = "spiffe://puntual.test/client")]
    clients: Vec<String>,
}

/// Certificates to revoke.
#[derive(Debug, clap::Args)]
pub(super) struct Revocation {
    /// Where `inference keys ca` wrote its files
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The certificates; those that are on the list stay there. Without one the list is only signed anew
    #[arg(value_name = "CERT.pem")]
    certificates: Vec<PathBuf>,
    /// How long the list is good, from now on
    #[arg(long, value_name = "DURATION", default_value = "7days", value_parser = some_time)]
    expires_in: Duration,
}

impl Authority {
    pub(super) fn run(&self) -> Result<String, DevError> {
        let key = KeyPair::generate()?;
        let mut params = valid_from(SystemTime::now());
        params.distinguished_name = name("puntual development CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        let mut files = pair("ca", certificate.pem(), &key);
        let issuer = Issuer::new(params, key);

        files.extend(leaf("server", server_names()?, ExtendedKeyUsagePurpose::ServerAuth, &issuer)?);
        for (number, client) in (1..).zip(&self.clients) {
            let file = if number == 1 { "client".to_owned() } else { format!("client-{number}") };
            files.extend(leaf(
                &file,
                vec![client_name(client)?],
                ExtendedKeyUsagePurpose::ClientAuth,
                &issuer,
            )?);
        }
        files.push(NewFile {
            name: CRL.to_owned(),
            readers: For::Everybody,
            text: revocation_list(SerialNumber::from_slice(&[1]), Vec::new(), GOOD_FOR, &issuer)?,
        });
        Ok(format!("{}\n{EXPIRY}", wrote(&new_files::write(&self.folder, &files)?)))
    }
}

impl Revocation {
    pub(super) fn run(&self) -> Result<String, DevError> {
        let in_folder = |name| self.folder.join(name);
        let authority = read_text(&in_folder(CA))?;
        let key = KeyPair::from_pem(&read_text(&in_folder(CA_KEY))?)?;
        let issuer = Issuer::from_ca_cert_pem(&authority, key)?;

        let (number, mut revoked) = revoked_before(&in_folder(CRL))?;
        for path in &self.certificates {
            let serial = serial_of(path, &in_folder(CA))?;
            if !revoked.iter().any(|known| known.serial_number == serial) {
                revoked.push(revoked_at(serial, SystemTime::now()));
            }
        }
        let count = revoked.len();
        new_files::replace(&in_folder(CRL), &revocation_list(number, revoked, self.expires_in, &issuer)?)?;
        let (list, time) = (in_folder(CRL), humantime::format_duration(self.expires_in));
        Ok(format!("{}\n{count} revoked; the list expires in {time}", list.display()))
    }
}

/// A certificate that `issuer` signed, and its key.
fn leaf(
    file: &str,
    names: Vec<SanType>,
    usage: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Vec<NewFile>, DevError> {
    let key = KeyPair::generate()?;
    let mut params = valid_from(SystemTime::now());
    params.distinguished_name = name(&format!("puntual development {file}"));
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, issuer)?;
    Ok(pair(file, certificate.pem(), &key))
}

fn valid_from(now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = now.into();
    params.not_after = (now + GOOD_FOR).into();
    params
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn pair(file: &str, certificate: String, key: &KeyPair) -> Vec<NewFile> {
    vec![
        NewFile { name: format!("{file}.pem"), readers: For::Everybody, text: certificate },
        NewFile { name: format!("{file}.key.pem"), readers: For::Owner, text: key.serialize_pem() },
    ]
}

/// What a client on this machine calls the server.
fn server_names() -> Result<Vec<SanType>, DevError> {
    Ok(vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ])
}

fn client_name(name: &str) -> Result<SanType, DevError> {
    let wrong = |_| DevError::Client { name: name.to_owned(), expected: "expected ASCII" };
    if name.is_empty() {
        return Err(DevError::Client {
            name: name.to_owned(),
            expected: "expected a SPIFFE id, a DNS name or an email address",
        });
    }
    let name_type: fn(_) -> _ = if name.contains("://") {
        SanType::URI
    } else if name.contains('@') {
        SanType::Rfc822Name
    } else {
        SanType::DnsName
    };
    name.try_into().map(name_type).map_err(wrong)
}

/// A signed list of revoked certificates (RFC 5280 §5) in PEM.
fn revocation_list(
    crl_number: SerialNumber,
    revoked_certs: Vec<RevokedCertParams>,
    good_for: Duration,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<String, DevError> {
    let now = SystemTime::now();
    let list = CertificateRevocationListParams {
        this_update: now.into(),
        next_update: (now + good_for).into(),
        crl_number,
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(list.signed_by(issuer)?.pem()?)
}

fn revoked_at(serial_number: SerialNumber, at: SystemTime) -> RevokedCertParams {
    RevokedCertParams { serial_number, revocation_time: at.into(), reason_code: None, invalidity_date: None }
}

/// The number of the next list, and what stands on the one at `path`.
fn revoked_before(path: &Path) -> Result<(SerialNumber, Vec<RevokedCertParams>), DevError> {
    let expected = "expected a list of revoked certificates in PEM (`-----BEGIN X509 CRL-----`)";
    let der =
        CertificateRevocationListDer::from_pem_slice(&read(path)?).map_err(|_| unusable(path, expected))?;
    let (_, list) = CertificateRevocationList::from_der(&der).map_err(|_| unusable(path, expected))?;
    let next = list.crl_number().map_or_else(|| vec![1], |number| (number + 1_u8).to_bytes_be());
    let revoked = list.iter_revoked_certificates().map(|revoked| {
        let at = Duration::from_secs(revoked.revocation_date.timestamp().unsigned_abs());
        revoked_at(SerialNumber::from_slice(revoked.raw_serial()), SystemTime::UNIX_EPOCH + at)
    });
    Ok((SerialNumber::from_slice(&next), revoked.collect()))
}

/// The serial number of the certificate at `path`, which the authority at `authority` must have issued: another's
/// serial number would revoke nothing, or something else.
fn serial_of(path: &Path, authority: &Path) -> Result<SerialNumber, DevError> {
    let (der, authority_der) = (certificate(path)?, certificate(authority)?);
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| unusable(path, NO_CERTIFICATE))?;
    let (_, issuer) =
        X509Certificate::from_der(&authority_der).map_err(|_| unusable(authority, NO_CERTIFICATE))?;
    parsed.verify_signature(Some(issuer.public_key())).map_err(|_| {
        unusable(path, &format!("not issued by {}; expected a certificate that is", authority.display()))
    })?;
    Ok(SerialNumber::from_slice(parsed.raw_serial()))
}

const NO_CERTIFICATE: &str = "expected a certificate in PEM (`-----BEGIN CERTIFICATE-----`)";

/// The first certificate in the file at `path`.
pub(super) fn certificate(path: &Path) -> Result<CertificateDer<'static>, DevError> {
    CertificateDer::from_pem_slice(&read(path)?).map_err(|_| unusable(path, NO_CERTIFICATE))
}

fn read_text(path: &Path) -> Result<String, DevError> {
    String::from_utf8(read(path)?).map_err(|_| unusable(path, "expected PEM"))
}

fn unusable(path: &Path, expected: &str) -> DevError {
    DevError::Unusable { path: path.to_owned(), expected: expected.to_owned() }
}
