//! Opens connections to one address. Sends nothing on them.

use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderValue;
use http_body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::SecureUrl;

/// How the binary names itself when it asks.
pub(crate) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("puntual-inference/", env!("CARGO_PKG_VERSION")));

/// Why no address can be reached with these settings.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The authorities cannot be read.
    #[error("{setting} {}: {reason}; expected PEM with at least one certificate", path.display())]
    Authorities {
        /// The flag.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS settings do not fit together.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// No connection, or one that broke off: what the client says, and all that it was caused by.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    /// The client says little by itself; what it was caused by says the rest.
    pub(crate) fn by(error: &(dyn Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self(text)
    }
}

/// Plain or secured.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection: nothing is sent or read unless it is polled.
pub(crate) type Connection<B> = http1::Connection<TokioIo<Box<dyn Stream>>, B>;

/// Opens connections to one address.
#[derive(Clone)]
pub(crate) struct Connector {
    url: SecureUrl,
    /// Where to connect, if not to the address itself.
    way: Option<String>,
    /// `None` for an address in the clear, which is one of this machine.
    tls: Option<TlsConnector>,
}

impl Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connector").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Display for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.url, formatter)
    }
}

impl Connector {
    /// Trusts the authorities in the file `ca`, or without one those that Mozilla trusts. `setting` is what errors call
    /// the file.
    ///
    /// # Errors
    /// [`TrustError`].
    pub(crate) fn new(url: &SecureUrl, setting: &'static str, ca: Option<&Path>) -> Result<Self, TrustError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider().into();
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let roots = match ca {
            Some(path) => authorities(setting, path)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let tls = url.is_https().then(|| TlsConnector::from(Arc::new(config)));
        Ok(Self { url: url.clone(), way: None, tls })
    }

    /// Connects to `way`, a HOST:PORT, in place of the address; who answers there has to be who the address says.
    pub(crate) fn by_way_of(self, way: Option<String>) -> Self {
        Self { way, ..self }
    }

    /// The address.
    pub(crate) const fn url(&self) -> &SecureUrl {
        &self.url
    }

    /// A connection, and what sends requests on it while it is polled.
    ///
    /// # Errors
    /// [`Broken`] with what the system, TLS or HTTP said.
    pub(crate) async fn connect<B>(&self) -> Result<(SendRequest<B>, Connection<B>), Broken>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let host = self.url.host();
        let socket = match &self.way {
            Some(way) => TcpStream::connect(way).await,
            None => TcpStream::connect((host, self.url.port())).await,
        };
        let socket = socket.map_err(|error| Broken::by(&error))?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(socket),
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned()).map_err(|error| Broken::by(&error))?;
                Box::new(tls.connect(name, socket).await.map_err(|error| Broken::by(&error))?)
            }
        };
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| Broken::by(&error))
    }
}

fn authorities(setting: &'static str, path: &Path) -> Result<RootCertStore, TrustError> {
    let wrong = |reason: String| TrustError::Authorities { setting, path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("no certificate in it".to_owned()));
    }
    Ok(roots)
}
