//! A client of TLS that hides nothing: each of its connections is a whole handshake, none is resumed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::keep_alive::{self, KeepAlive};

/// The client: whom it trusts, and what it shows.
#[derive(Debug, Clone)]
pub(crate) struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// Trusts the authorities in `ca`; shows this certificate with its key, or none.
    pub(crate) fn new(ca: &Path, shows: Option<(&Path, &Path)>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match shows {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
                config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
            }
        };
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// Opens a connection and ends its handshake, as far as the client can tell: in TLS 1.3 it is done before the server
    /// has seen the client's certificate.
    pub(crate) fn open(&self, address: SocketAddr) -> anyhow::Result<KeepAlive> {
        let mut socket = keep_alive::connect(address)?;
        let mut connection = ClientConnection::new(Arc::clone(&self.0), address.ip().into())?;
        connection.complete_io(&mut socket).context("the handshake failed")?;
        Ok(KeepAlive::over(StreamOwned::new(connection, socket)))
    }
}
