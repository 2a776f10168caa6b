//! Fetches a JWK Set. Every part of it is bounded, as what answers is not ours: time, size, hops. Reads no key.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1::SendRequest;
use tokio::time::timeout;

use crate::client::{Broken, Connector, SecureUrl, TrustError, USER_AGENT};

/// Largest answer that is read, in bytes: a hundred RSA keys with their certificates.
const BODY_BYTES: usize = 256 * 1024;

const ACCEPT: HeaderValue = HeaderValue::from_static("application/jwk-set+json, application/json");

/// Why an answer cannot be had, now or ever.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No address can be reached with the settings.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It took too long.
    #[error("no whole answer within {} s (--jwks-timeout)", limit.as_secs_f32())]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// No connection, or one that broke off.
    #[error("cannot be fetched: {0}")]
    Connection(#[from] Broken),
    /// Another answer than 200.
    #[error("answered {0}; expected 200 (redirects are not followed: give the address that they lead to)")]
    Status(StatusCode),
    /// An answer that is too long.
    #[error("the answer is longer than {BODY_BYTES} bytes")]
    TooLarge,
}

/// Fetches from one address. Keeps no connection.
#[derive(Debug)]
pub(super) struct JwksClient {
    connector: Connector,
    limit: Duration,
}

impl JwksClient {
    /// Trusts the authorities in the file `ca`, or without one those that Mozilla trusts. A whole fetch takes at most
    /// `limit`.
    ///
    /// # Errors
    /// [`FetchError::Trust`].
    pub(super) fn new(url: &SecureUrl, ca: Option<&Path>, limit: Duration) -> Result<Self, FetchError> {
        Ok(Self { connector: Connector::new(url, "--jwks-ca", ca)?, limit })
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`FetchError`], which says what came instead.
    pub(super) async fn fetch(&self) -> Result<Bytes, FetchError> {
        timeout(self.limit, self.get()).await.unwrap_or(Err(FetchError::Timeout { limit: self.limit }))
    }

    /// One question on a connection that is then let go of.
    async fn get(&self) -> Result<Bytes, FetchError> {
        let (sender, connection) = self.connector.connect().await?;
        let mut answer = std::pin::pin!(self.answer(sender));
        tokio::select! {
            answer = &mut answer => answer,
            ended = connection => {
                ended.map_err(|error| Broken::by(&error))?;
                // All that came is there to be read.
                answer.await
            }
        }
    }

    async fn answer(&self, mut sender: SendRequest<Empty<Bytes>>) -> Result<Bytes, FetchError> {
        let url = self.connector.url();
        let request = Request::get(url.path())
            .header(header::HOST, url.authority())
            .header(header::ACCEPT, ACCEPT)
            .header(header::USER_AGENT, USER_AGENT)
            .body(Empty::new())
            .map_err(|error| Broken::by(&error))?;
        let response = sender.send_request(request).await.map_err(|error| Broken::by(&error))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), BODY_BYTES).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| {
            if error.is::<LengthLimitError>() {
                FetchError::TooLarge
            } else {
                Broken::by(error.as_ref()).into()
            }
        })
    }
}
