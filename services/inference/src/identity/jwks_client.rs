//! Fetches a JWK Set. Every part of it is bounded, as what answers is not ours: time, size, hops. Reads no key.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::JwksUrl;

/// Largest answer that is read, in bytes: a hundred RSA keys with their certificates.
const BODY_BYTES: usize = 256 * 1024;

const ACCEPT: HeaderValue = HeaderValue::from_static("application/jwk-set+json, application/json");
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("puntual-inference/", env!("CARGO_PKG_VERSION")));

/// Why an answer cannot be had, now or ever.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The authorities cannot be read.
    #[error("--jwks-ca {}: {reason}; expected PEM with at least one certificate", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS settings do not fit together.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// It took too long.
    #[error("no whole answer within {} s (--jwks-timeout)", limit.as_secs_f32())]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// No connection, or one that broke off.
    #[error("cannot be fetched: {0}")]
    Connection(String),
    /// Another answer than 200.
    #[error("answered {0}; expected 200 (redirects are not followed: give the address that they lead to)")]
    Status(StatusCode),
    /// An answer that is too long.
    #[error("the answer is longer than {BODY_BYTES} bytes")]
    TooLarge,
}

/// Fetches from one address. Knows no proxy of the environment, follows no redirect, keeps no connection.
pub(super) struct JwksClient {
    url: JwksUrl,
    /// `None` for an address of this machine.
    tls: Option<TlsConnector>,
    limit: Duration,
}

impl std::fmt::Debug for JwksClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("JwksClient").field("url", &self.url).finish_non_exhaustive()
    }
}

impl JwksClient {
    /// Trusts the authorities in the file `ca`, or without one those that Mozilla trusts. A whole fetch takes at most
    /// `limit`.
    ///
    /// # Errors
    /// [`FetchError::Authorities`].
    pub(super) fn new(url: &JwksUrl, ca: Option<&Path>, limit: Duration) -> Result<Self, FetchError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider().into();
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let roots = match ca {
            Some(path) => authorities(path)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let tls = url.is_https().then(|| TlsConnector::from(Arc::new(config)));
        Ok(Self { url: url.clone(), tls, limit })
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`FetchError`], which says what came instead.
    pub(super) async fn fetch(&self) -> Result<Bytes, FetchError> {
        timeout(self.limit, self.get()).await.unwrap_or(Err(FetchError::Timeout { limit: self.limit }))
    }

    async fn get(&self) -> Result<Bytes, FetchError> {
        let host = self.url.host();
        let socket = TcpStream::connect((host, self.url.port())).await.map_err(|error| broken(&error))?;
        let Some(tls) = &self.tls else { return self.ask(socket).await };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| broken(&error))?;
        self.ask(tls.connect(name, socket).await.map_err(|error| broken(&error))?).await
    }

    /// One question on a connection that is then let go of.
    async fn ask<T>(&self, io: T) -> Result<Bytes, FetchError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            http1::handshake(TokioIo::new(io)).await.map_err(|error| broken(&error))?;
        let mut answer = std::pin::pin!(self.answer(sender));
        tokio::select! {
            answer = &mut answer => answer,
            ended = connection => {
                ended.map_err(|error| broken(&error))?;
                // All that came is there to be read.
                answer.await
            }
        }
    }

    async fn answer(&self, mut sender: http1::SendRequest<Empty<Bytes>>) -> Result<Bytes, FetchError> {
        let request = Request::get(self.url.path())
            .header(header::HOST, self.url.authority())
            .header(header::ACCEPT, ACCEPT)
            .header(header::USER_AGENT, USER_AGENT)
            .body(Empty::new())
            .map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), BODY_BYTES).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| {
            if error.is::<LengthLimitError>() { FetchError::TooLarge } else { broken(error.as_ref()) }
        })
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, FetchError> {
    let wrong = |reason: String| FetchError::Authorities { path: path.to_owned(), reason };
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

/// The client says little by itself; what it was caused by says the rest.
fn broken(error: &(dyn Error + 'static)) -> FetchError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    FetchError::Connection(text)
}
