//! What stands between a connection and the router: each request learns who sent it, is counted while it is
//! in flight, and its answer says when it is the connection's last.
//! A request on a connection whose certificate fell is never begun. It never looks into a request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::future::RouteFuture;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tower::Service;

use super::activity::Activity;
use crate::identity::ClientCertificate;
use crate::tls::Standing;

/// Who is at the other end of the connection that a request came on; in every request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The certificate that it proved to have the key of.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// The router, as one connection sees it.
#[derive(Debug)]
pub(super) struct Requests {
    router: Router,
    peer: Peer,
    standing: Option<Arc<Standing>>,
    activity: Arc<Activity>,
}

impl Requests {
    pub(super) fn new(
        router: Router,
        peer: Peer,
        standing: Option<Arc<Standing>>,
        activity: Arc<Activity>,
    ) -> Self {
        Self { router, peer, standing, activity }
    }
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, mut request: Request<Incoming>) -> Answer {
        self.activity.request_began();
        let in_flight = InFlight(Arc::clone(&self.activity));
        let http1 = request.version() <= Version::HTTP_11;
        // Also when it was on its way before the certificate fell: nothing is begun for it.
        if self.standing.as_ref().is_some_and(|standing| standing.check().is_err()) {
            return Answer { route: None, http1, in_flight: Some(in_flight) };
        }
        request.extensions_mut().insert(self.peer.clone());
        // A router is always ready: axum's layers run behind its `call`.
        Answer { route: Some(self.router.clone().call(request)), http1, in_flight: Some(in_flight) }
    }
}

/// Counts as one request in flight while it exists.
#[derive(Debug)]
struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.request_ended();
    }
}

pin_project_lite::pin_project! {
    /// An answer in the making. Dropped with it, when the client is gone, is its place among those in flight.
    pub(super) struct Answer {
        // None: never. The task of the connection, which is at work just now, ends it next.
        #[pin]
        route: Option<RouteFuture<Infallible>>,
        http1: bool,
        in_flight: Option<InFlight>,
    }
}

impl Future for Answer {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(route) = this.route.as_pin_mut() else { return Poll::Pending };
        let mut answer = ready!(route.poll(cx))?;
        let in_flight = this.in_flight.take();
        // Asked only now: an answer that was begun before the end and finished after it tells its client,
        // too.
        if *this.http1 && in_flight.as_ref().is_some_and(|in_flight| in_flight.0.is_last_answer()) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer.map(|body| AnswerBody { body, in_flight })))
    }
}

pin_project_lite::pin_project! {
    /// The body of an answer, in flight until hyper has all of it.
    pub(super) struct AnswerBody {
        #[pin]
        body: Body,
        in_flight: Option<InFlight>,
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
