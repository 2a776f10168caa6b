//! A server that publishes keys and does what a test tells it to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::wire::within;

/// What the server answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// This status.
    Status(u16),
    /// That it is elsewhere.
    Redirect(String),
    /// The beginning of an answer whose rest never comes.
    Half,
}

impl Reply {
    /// These keys, as a JWK Set.
    pub(crate) fn keys(keys: &[Value]) -> Self {
        Self::Bytes(json!({ "keys": keys }).to_string().into_bytes())
    }
}

pub(crate) struct Provider {
    pub(crate) url: String,
    reply: Arc<Mutex<Reply>>,
    /// Whether answers are given, or kept back.
    open: watch::Sender<bool>,
    /// How often it was asked.
    asked: watch::Sender<usize>,
}

impl Provider {
    pub(crate) async fn start(reply: Reply) -> Self {
        Self::start_with(reply, None).await
    }

    /// With a certificate of an authority of its own, which is written to `ca`.
    pub(crate) async fn start_behind_tls(reply: Reply, ca: &Path) -> Self {
        Self::start_with(reply, Some(acceptor(ca))).await
    }

    async fn start_with(reply: Reply, tls: Option<TlsAcceptor>) -> Self {
        let (reply, open, asked) =
            (Arc::new(Mutex::new(reply)), watch::Sender::new(true), watch::Sender::new(0));
        let handler = {
            let (reply, open, asked) = (reply.clone(), open.clone(), asked.clone());
            move || async move {
                asked.send_modify(|asked| *asked += 1);
                open.subscribe().wait_for(|open| *open).await.unwrap();
                let reply = reply.lock().unwrap().clone();
                answer(reply)
            }
        };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, tls, Router::new().route("/jwks", get(handler))));
        Self { url, reply, open, asked }
    }

    pub(crate) fn says(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// Keeps answers back until [`go_on`](Self::go_on).
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn go_on(&self) {
        self.open.send_replace(true);
    }

    pub(crate) fn times_asked(&self) -> usize {
        *self.asked.borrow()
    }

    pub(crate) async fn was_asked(&self, times: usize) {
        within(self.asked.subscribe().wait_for(|asked| *asked >= times)).await.unwrap();
    }
}

fn answer(reply: Reply) -> Response {
    match reply {
        Reply::Bytes(bytes) => bytes.into_response(),
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Redirect(to) => {
            (StatusCode::FOUND, [(HeaderName::from_static("location"), to)]).into_response()
        }
        Reply::Half => {
            let length = [(HeaderName::from_static("content-length"), "1000")];
            (length, Body::new(Never)).into_response()
        }
    }
}

/// A body that does not come.
struct Never;

impl http_body::Body for Never {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, service) = (tls.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            // A client that goes away is its own business.
            let _ended = match tls {
                None => http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok(),
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => {
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok()
                    }
                    Err(_refused) => None,
                },
            };
        });
    }
}

/// For a certificate of 127.0.0.1; the authority's own is written to `ca`.
fn acceptor(ca: &Path) -> TlsAcceptor {
    inference::crypto::install_provider();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(ca, authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
