//! What one client, or all together, may take of the listener, tried over real sockets.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::{get, post};
use http::{StatusCode, header};
use http_body::Frame;
use http_body_util::BodyExt;
use inference::listen::{ListenConfig, Listener};
use rstest::rstest;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Duration, sleep};

use crate::protocols::{greeter, http2_client, http2_get};
use crate::wire::{GET, SHORT, Server, Wire, patient, within};

/// The pace at which the slow ones send: the whole head would take a hundred times as long as it may.
const PAUSE: Duration = Duration::from_millis(50);
const ENDLESS: &str =
    "GET / HTTP/1.1\r\nhost: test\r\nx-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[rstest]
#[case::first_request(false)]
#[case::later_request(true)]
#[tokio::test]
async fn closes_a_connection_whose_head_does_not_come_to_its_end(#[case] after_another: bool) {
    let server = Server::start(ListenConfig { header_timeout: SHORT, ..patient() }, greeter()).await;
    let (mut slow, mut brisk) = (server.connect().await, server.connect().await);
    assert_eq!(brisk.ask(GET).await.status(), "200");
    if after_another {
        assert_eq!(slow.ask(GET).await.status(), "200");
    }
    let (mut from, mut to) = slow.stream.split();
    let trickle = async {
        for byte in ENDLESS.bytes() {
            if tokio::io::AsyncWriteExt::write_all(&mut to, &[byte]).await.is_err() {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    let end_of_slow = async {
        let mut rest = Vec::new();
        let _end = tokio::io::AsyncReadExt::read_to_end(&mut from, &mut rest).await;
        rest
    };
    let keep_asking = async {
        loop {
            assert_eq!(brisk.ask(GET).await.status(), "200");
            sleep(PAUSE).await;
        }
    };
    // Closed before the head was sent to its end, and while the other was asking at its own pace.
    let rest = within(async {
        tokio::select! {
            rest = end_of_slow => rest,
            () = trickle => panic!("the server read the whole head"),
            () = keep_asking => unreachable!(),
        }
    });
    assert_eq!(rest.await, b"", "there is nobody to answer");
    assert_eq!(brisk.ask(GET).await.status(), "200");
}

#[tokio::test]
async fn closes_a_new_connection_that_stays_silent_but_not_one_between_requests() {
    let server = Server::start(ListenConfig { header_timeout: SHORT, ..patient() }, greeter()).await;
    let mut between_requests = server.connect().await;
    assert_eq!(between_requests.ask(GET).await.status(), "200");
    // Silent for as long as the other at least.
    assert_eq!(server.connect().await.closed().await, b"");
    assert_eq!(between_requests.ask(GET).await.status(), "200");
}

#[tokio::test]
async fn closes_a_connection_that_is_silent_between_requests() {
    let server = Server::start(ListenConfig { idle_timeout: SHORT, ..patient() }, greeter()).await;
    let (mut silent, mut asking) = (server.connect().await, server.connect().await);
    assert_eq!(silent.ask(GET).await.status(), "200");
    let keep_asking = async {
        loop {
            assert_eq!(asking.ask(GET).await.status(), "200");
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        rest = silent.closed() => assert_eq!(rest, b""),
        () = keep_asking => unreachable!(),
    }
    assert_eq!(asking.ask(GET).await.status(), "200");
}

#[tokio::test]
async fn a_request_that_takes_longer_than_silence_may_last_is_answered() {
    let slow = Router::new().route("/", get(async || sleep(3 * SHORT).await));
    let bounds =
        ListenConfig { idle_timeout: SHORT, header_timeout: SHORT, write_timeout: SHORT, ..patient() };
    let server = Server::start(bounds, slow).await;
    assert_eq!(server.connect().await.ask(GET).await.status(), "200");
}

#[tokio::test]
async fn closes_a_silent_http_2_connection_in_order() {
    let server = Server::start(ListenConfig { idle_timeout: SHORT, ..patient() }, greeter()).await;
    let (mut client, connection) = http2_client(&server).await;
    assert_eq!(client.send_request(http2_get()).await.unwrap().status(), StatusCode::OK);
    // With GOAWAY, not by breaking off: that would be an error here.
    within(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn closes_an_http_2_connection_that_never_asks() {
    let server = Server::start(ListenConfig { idle_timeout: SHORT, ..patient() }, greeter()).await;
    let (_client, connection) = http2_client(&server).await;
    within(connection).await.unwrap().unwrap();
}

/// Preface, empty SETTINGS, and `GET http://x/` on stream 1.
const HTTP2_GET: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\
    \0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x";

#[tokio::test]
async fn closes_an_http_2_connection_whose_client_vanished_with_a_request_in_flight() {
    let never = Router::new().route("/", get(async || std::future::pending::<()>().await));
    let bounds = ListenConfig { http2_ping_interval: SHORT, ..patient() };
    let server = Server::start(bounds, never).await;
    let mut client = server.connect().await;
    client.send(HTTP2_GET).await;
    // It never answers a ping.
    client.closed().await;
}

#[tokio::test]
async fn serves_no_more_requests_of_one_http_2_connection_at_once_than_allowed() {
    let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counting = {
        let (at_once, most) = (Arc::clone(&at_once), Arc::clone(&most));
        Router::new().route(
            "/",
            get(async move || {
                most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                at_once.fetch_sub(1, Ordering::SeqCst);
            }),
        )
    };
    let server = Server::start(ListenConfig { http2_streams: 2, ..patient() }, counting).await;
    let (mut client, _connection) = http2_client(&server).await;
    // The client hears of the bound with the first answer.
    client.send_request(http2_get()).await.unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut client = client.clone();
        asked.spawn(async move { client.send_request(http2_get()).await.unwrap().status() });
    }
    assert!(within(asked.join_all()).await.iter().all(StatusCode::is_success));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn answers_503_to_connections_beyond_the_bound_until_one_ends() {
    let server = Server::start(ListenConfig { max_connections: 1, ..patient() }, greeter()).await;
    let mut first = server.connect().await;
    assert_eq!(first.ask(GET).await.status(), "200");

    let mut second = server.connect().await;
    let refusal = second.ask(GET).await;
    assert_eq!((refusal.status(), refusal.is_last()), ("503", true));
    assert!(refusal.head.contains("retry-after: 1\r\n"), "{refusal:?}");
    assert!(refusal.head.contains("content-type: application/problem+json\r\n"), "{refusal:?}");
    assert_eq!(second.closed().await, b"");
    assert_eq!(first.ask(GET).await.status(), "200", "the one that has its place keeps it");

    drop(first);
    within(async {
        while server.connect().await.ask(GET).await.status() != "200" {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_client_that_sends_much_still_hears_why() {
    let server = Server::start(ListenConfig { max_connections: 1, ..patient() }, greeter()).await;
    let mut first = server.connect().await;
    first.ask(GET).await;
    let mut second = server.connect().await;
    let large =
        format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n{}", " ".repeat(1000000));
    assert_eq!(second.ask(large).await.status(), "503");
}

#[rstest]
#[case::just_read(8000, "200")]
#[case::beyond_the_hard_bound(60_000, "431")]
#[tokio::test]
async fn bounds_the_head_of_a_request(#[case] filler: usize, #[case] status: &str) {
    let server = Server::start(ListenConfig { header_bytes: 2048, ..patient() }, greeter()).await;
    let head = format!("GET / HTTP/1.1\r\nhost: test\r\nx-filler: {:a>filler$}\r\n\r\n", "");
    assert_eq!(server.connect().await.ask(head).await.status(), status);
}

#[tokio::test]
async fn bounds_the_number_of_headers() {
    let server = Server::start(ListenConfig { header_bytes: 16_384, ..patient() }, greeter()).await;
    let head = format!("GET / HTTP/1.1\r\nhost: test\r\n{}\r\n", "x: y\r\n".repeat(200));
    assert_eq!(server.connect().await.ask(head).await.status(), "431");
}

#[tokio::test]
async fn bounds_the_head_of_an_http_2_request() {
    let server = Server::start(ListenConfig { header_bytes: 2048, ..patient() }, greeter()).await;
    let (mut client, _connection) = http2_client(&server).await;
    let request =
        Request::get("http://test/").header("x-filler", "a".repeat(9000)).body(Body::empty()).unwrap();
    let status = client.send_request(request).await.map(|answer| answer.status());
    assert!(matches!(status, Ok(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) | Err(_)), "{status:?}");
    assert_eq!(client.send_request(http2_get()).await.unwrap().status(), StatusCode::OK, "the others go on");
}

#[tokio::test]
async fn a_client_that_still_sends_its_body_can_read_an_early_answer() {
    let early = Router::new().route(
        "/",
        post(async || (StatusCode::PAYLOAD_TOO_LARGE, [(header::CONNECTION, "close")], "too large")),
    );
    let server = Server::start(patient(), early).await;
    let mut client = server.connect().await;
    let large =
        format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4000000\r\n\r\n{}", " ".repeat(4000000));
    let answer = client.ask(large).await;
    assert_eq!((answer.status(), answer.body.as_str()), ("413", "too large"));
}

/// A body without end that says when it is given up.
struct Endless(Option<oneshot::Sender<()>>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 65_536])))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _heard = self.0.take().unwrap().send(());
    }
}

#[rstest]
#[case::http_1(GET.as_bytes())]
#[case::http_2(HTTP2_GET)]
#[tokio::test]
async fn closes_a_connection_whose_client_does_not_read(#[case] request: &[u8]) {
    let (said, mut given_up) = mpsc::channel(1);
    let endless = Router::new().route(
        "/",
        get(async move || {
            let (given_up, heard) = oneshot::channel();
            said.send(heard).await.unwrap();
            Body::new(Endless(Some(given_up)))
        }),
    );
    let server = Server::start(ListenConfig { write_timeout: SHORT, ..patient() }, endless).await;
    let mut client = server.connect().await;
    client.send(request).await;
    if request == HTTP2_GET {
        // A window that the client opens wide, so that the socket and not the protocol holds the answer back.
        client.send(b"\0\0\x04\x08\0\0\0\0\0\x7f\0\0\0\0\0\x04\x08\0\0\0\0\x01\x7f\0\0\0").await;
    }
    let given_up = within(given_up.recv()).await.unwrap();
    within(given_up).await.unwrap();
}

#[tokio::test]
async fn a_handler_hears_of_a_client_that_goes_away_while_it_sends() {
    let (said, mut heard) = mpsc::channel(1);
    let reads = Router::new()
        .route("/", post(async move |body: Body| said.send(body.collect().await.is_err()).await.unwrap()));
    let server = Server::start(patient(), reads).await;
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nhalf").await;
    drop(client);
    assert_eq!(within(heard.recv()).await, Some(true), "the body broke off");
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_its_answer_leaves_its_place() {
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let waits = {
        let (began, go_on) = (Arc::clone(&began), Arc::clone(&go_on));
        Router::new().route("/", get(async || "hello")).route(
            "/wait",
            get(async move || {
                began.notify_one();
                go_on.notified().await;
            }),
        )
    };
    let server = Server::start(ListenConfig { max_connections: 1, ..patient() }, waits).await;
    let mut client = server.connect().await;
    client.send(GET.replace(" / ", " /wait ")).await;
    within(began.notified()).await;
    drop(client);
    go_on.notify_one();
    within(async {
        while server.connect().await.ask(GET).await.status() != "200" {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn says_what_to_do_when_the_address_is_taken() {
    let server = Server::start(patient(), greeter()).await;
    let taken = Listener::bind(&ListenConfig { listen: server.address, ..patient() }).await.unwrap_err();
    let address = server.address;
    assert_eq!(
        taken.to_string(),
        format!(
            "cannot listen on {address}: Address already in use (os error 98); another process has the port: end it, \
             or choose another with --listen (INFERENCE_LISTEN); 0 is any free one"
        )
    );
}

#[tokio::test]
async fn says_what_to_do_when_the_address_is_not_of_this_machine() {
    // RFC 5737: an address for documentation, of nobody's machine.
    let listen = "192.0.2.1:80".parse().unwrap();
    let strange = Listener::bind(&ListenConfig { listen, ..patient() }).await.unwrap_err().to_string();
    assert!(strange.starts_with("cannot listen on 192.0.2.1:80: "), "{strange}");
    assert!(strange.contains("this machine does not have the address"), "{strange}");
}

/// Run by the next test in a process that may open few files.
#[tokio::test]
#[ignore = "needs a process of its own: see the test below"]
async fn with_few_files() {
    let server = Server::start(ListenConfig { max_connections: 1000, ..patient() }, greeter()).await;
    let mut clients = Vec::new();
    // Until nothing more can be opened: by us, with as many of the server's ends waiting.
    while let Ok(client) = Wire::connect(server.address).await {
        clients.push(client);
        tokio::task::yield_now().await;
    }
    assert!(clients.len() > 4, "{}", clients.len());
    // The listener is not dead, and goes on when there is room.
    clients.truncate(2);
    for client in &mut clients {
        assert_eq!(client.ask(GET).await.status(), "200");
    }
    assert_eq!(server.connect().await.ask(GET).await.status(), "200");
}

#[test]
fn survives_running_out_of_files() {
    let myself = std::env::current_exe().unwrap();
    let script = "ulimit -n 40 && exec \"$0\" --exact listener::with_few_files --ignored --test-threads 1";
    let run = std::process::Command::new("sh").arg("-c").arg(script).arg(myself).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    // The count as well: a name that no test has is a success to the harness.
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}
