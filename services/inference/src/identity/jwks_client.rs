//! Fetches a JWK Set. Every part of it is bounded, as what answers is not ours: time, size, hops. Reads no key.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

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
#[derive(Debug)]
pub(super) struct JwksClient {
    uri: Uri,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    limit: Duration,
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
        let config = match ca {
            Some(path) => config.with_root_certificates(authorities(path)?),
            None => config.with_webpki_roots(),
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config.with_no_client_auth())
            // Which of the two was decided by the address.
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { uri: url.uri(), client, limit })
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`FetchError`], which says what came instead.
    pub(super) async fn fetch(&self) -> Result<Bytes, FetchError> {
        timeout(self.limit, self.get()).await.unwrap_or(Err(FetchError::Timeout { limit: self.limit }))
    }

    async fn get(&self) -> Result<Bytes, FetchError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(header::ACCEPT, ACCEPT);
        request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        let response = self.client.request(request).await.map_err(|error| broken(&error))?;
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
