//! Asks the target on one connection, which is kept while the target keeps it. Every part of an answer is bounded: time
//! and size. Never asks twice what may have been read once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Broken, Connector, USER_AGENT};

/// Largest answer that is read, in bytes: that to one row is below 200, a problem document below 1,000.
const BODY_BYTES: usize = 64 * 1024;

const REQUEST_ID: HeaderName = crate::telemetry::observe::REQUEST_ID;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// By which it is found in the service's log; empty where there is none.
    pub(super) request_id: String,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("no whole answer within {} s (--timeout)", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("{0}")]
    Broken(#[from] Broken),
    #[error("the answer is longer than {BODY_BYTES} bytes")]
    TooLong,
}

/// The target, and the connection to it.
#[derive(Debug)]
pub(super) struct Target {
    connector: Connector,
    limit: Duration,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    sender: SendRequest<Full<Bytes>>,
    /// Ends with this.
    _connection: JoinSet<()>,
}

impl Target {
    /// A whole answer may take `limit`.
    pub(super) const fn new(connector: Connector, limit: Duration) -> Self {
        Self { connector, limit, kept: None }
    }

    /// Posts `body`. A connection on which something went wrong is not asked again.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(super) async fn post(
        &mut self,
        path: &str,
        authorization: Option<&HeaderValue>,
        body: String,
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::post(path)
            .header(header::HOST, self.connector.url().authority())
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONTENT_TYPE, JSON)
            .body(Full::from(body))
            .map_err(|error| Broken::by(&error))?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        let limit = self.limit;
        let answer = timeout(limit, self.ask(request)).await.unwrap_or(Err(NoAnswer::Timeout(limit)));
        if answer.is_err() {
            self.kept = None;
        }
        answer
    }

    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let (head, body) = self.send(request).await?.into_parts();
        let body = Limited::new(body, BODY_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { NoAnswer::TooLong } else { Broken::by(error.as_ref()).into() }
        })?;
        Ok(Answer { status: head.status, body: body.to_bytes(), request_id: request_id(&head.headers) })
    }

    /// Sends on the connection that is kept. The target may have closed it, as it may at any time between two requests:
    /// then nothing was sent, and a new one is opened.
    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Broken> {
        if let Some(Kept { sender, .. }) = &mut self.kept
            && sender.ready().await.is_ok()
        {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Broken::by(error.error())),
                },
            }
        }
        let (sender, connection) = self.connector.connect().await?;
        let mut running = JoinSet::new();
        // What it ends with is what the request on it ends with.
        running.spawn(async move { connection.await.unwrap_or_default() });
        let kept = self.kept.insert(Kept { sender, _connection: running });
        kept.sender.send_request(request).await.map_err(|error| Broken::by(&error))
    }
}

fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}
