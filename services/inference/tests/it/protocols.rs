//! The versions and habits of HTTP that clients come with.

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::routing::get;
use http::{StatusCode, Version};
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use inference::listen::Peer;
use rstest::rstest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};

use crate::wire::{GET, Server, patient};

pub(crate) fn greeter() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// A client of HTTP/2 without any word about it beforehand, and the task that drives its connection.
pub(crate) async fn http2_client(
    server: &Server,
) -> (http2::SendRequest<Body>, tokio::task::JoinHandle<hyper::Result<()>>) {
    http2_over(TcpStream::connect(server.address).await.unwrap()).await
}

/// The same over a stream of any kind.
pub(crate) async fn http2_over<S>(
    stream: S,
) -> (http2::SendRequest<Body>, tokio::task::JoinHandle<hyper::Result<()>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (client, tokio::spawn(connection))
}

pub(crate) fn http2_get() -> Request {
    Request::get("http://test/").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn answers_many_requests_on_one_connection() {
    let server = Server::start(patient(), greeter()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        let answer = client.ask(GET).await;
        assert_eq!((answer.status(), answer.body.as_str(), answer.is_last()), ("200", "hello", false));
    }
}

#[rstest]
#[case::closes("GET / HTTP/1.0\r\n\r\n", "")]
#[case::stays_when_asked("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", "connection: keep-alive\r\n")]
#[tokio::test]
async fn answers_http_1_0(#[case] request: &str, #[case] says: &str) {
    let server = Server::start(patient(), greeter()).await;
    let mut client = server.connect().await;
    let answer = client.ask(request).await;
    assert!(answer.head.starts_with("HTTP/1.0 200 OK\r\n"), "{answer:?}");
    assert!(answer.head.contains(says), "{answer:?}");
    assert_eq!(answer.body, "hello");
    if says.is_empty() {
        assert_eq!(client.closed().await, b"");
    } else {
        assert_eq!(client.ask(request).await.status(), "200");
    }
}

#[tokio::test]
async fn answers_pipelined_requests_in_order() {
    let echo = Router::new().route("/{word}", get(async |request: Request| request.uri().path().to_owned()));
    let server = Server::start(patient(), echo).await;
    let mut client = server.connect().await;
    let requests: Vec<String> =
        ["/one", "/two", "/three"].iter().map(|path| GET.replace(" / ", &format!(" {path} "))).collect();
    client.send(requests.concat()).await;
    for expected in ["/one", "/two", "/three"] {
        assert_eq!(client.answer().await.body, expected);
    }
}

#[tokio::test]
async fn answers_http_2_with_prior_knowledge() {
    let server = Server::start(patient(), greeter()).await;
    let (mut client, _connection) = http2_client(&server).await;
    let answer = client.send_request(http2_get()).await.unwrap();
    assert_eq!((answer.version(), answer.status()), (Version::HTTP_2, StatusCode::OK));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn tells_the_router_who_is_asking() {
    let echo =
        Router::new().route("/", get(async |Extension(peer): Extension<Peer>| peer.address.to_string()));
    let server = Server::start(patient(), echo).await;
    let mut client = server.connect().await;
    let expected = client.stream.local_addr().unwrap().to_string();
    assert_eq!(client.ask(GET).await.body, expected);
}

#[tokio::test]
async fn answers_a_client_that_says_with_its_request_that_it_is_done_sending() {
    let slow = Router::new().route("/", get(async || sleep(Duration::from_millis(20)).await));
    let server = Server::start(patient(), slow).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    assert_eq!(client.answer().await.status(), "200");
    assert_eq!(client.closed().await, b"");
}
