//! The end of the service, phase by phase: no request that was accepted is lost.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use inference::drain::{Drain, DrainConfig, Phase};
use inference::listen::Served;
use rstest::rstest;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::protocols::{greeter, http2_client, http2_get};
use crate::wire::{GET, NEVER, SHORT, Server, Wire, patient, slow_end, within};

/// No grace, and time enough for everything after it.
fn quick_end() -> DrainConfig {
    DrainConfig { drain_grace: Duration::ZERO, drain_finish: NEVER, drain_linger: SHORT }
}

/// A server whose handler answers when it is told to, and the word that it has begun.
async fn with_slow_handler(end: &DrainConfig) -> (Server, Arc<Notify>, Arc<Notify>) {
    let (router, begun, finish) = slow_handler();
    (Server::start_ending(patient(), end, router).await, begun, finish)
}

/// The same without a server.
pub(crate) fn slow_handler() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says_begun, waits) = (begun.clone(), finish.clone());
    let handler = async move || {
        says_begun.notify_one();
        waits.notified().await;
        "done"
    };
    (Router::new().route("/", get(handler)), begun, finish)
}

#[tokio::test]
async fn in_the_grace_period_everything_is_served_as_before() {
    let server = Server::start_ending(patient(), &slow_end(), greeter()).await;
    let mut kept = server.connect().await;
    kept.ask(GET).await;
    server.drain.begin();
    assert_eq!(server.drain.phase(), Phase::Grace);
    for client in [&mut kept, &mut server.connect().await] {
        let answer = client.ask(GET).await;
        assert_eq!((answer.status(), answer.is_last()), ("200", false));
    }
}

#[tokio::test]
async fn after_it_connections_are_told_to_close_with_their_next_answer() {
    let end = DrainConfig { drain_linger: NEVER, ..quick_end() };
    let server = Server::start_ending(patient(), &end, greeter()).await;
    let mut kept = server.connect().await;
    assert!(!kept.ask(GET).await.is_last());
    server.drain.begin();
    within(server.drain.wait_for(Phase::Closing)).await;
    for client in [&mut kept, &mut server.connect().await] {
        let answer = client.ask(GET).await;
        assert_eq!((answer.status(), answer.is_last()), ("200", true));
        assert_eq!(client.closed().await, b"");
    }
}

#[tokio::test]
async fn a_request_that_is_worked_on_is_answered() {
    let (server, begun, finish) = with_slow_handler(&quick_end()).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    within(begun.notified()).await;
    server.drain.begin();
    within(server.drain.wait_for(Phase::Closing)).await;
    finish.notify_one();
    assert_eq!(client.answer().await.body, "done");
    assert_eq!(server.served().await, Served { dropped: 0 });
}

#[tokio::test]
async fn silent_connections_are_closed_and_the_listener_with_them() {
    let server = Server::start_ending(patient(), &quick_end(), greeter()).await;
    let address = server.address;
    let mut silent = server.connect().await;
    silent.ask(GET).await;
    server.drain.begin();
    assert_eq!(silent.closed().await, b"");
    assert_eq!(server.served().await, Served { dropped: 0 });
    assert!(Wire::connect(address).await.is_err());
}

#[tokio::test]
async fn an_http_2_connection_is_closed_in_order() {
    let server = Server::start_ending(patient(), &quick_end(), greeter()).await;
    let (mut client, connection) = http2_client(&server).await;
    assert_eq!(within(client.send_request(http2_get())).await.unwrap().status(), 200);
    server.drain.begin();
    within(connection).await.unwrap().expect("GOAWAY and not a reset");
}

#[tokio::test]
async fn what_takes_longer_than_the_end_may_is_dropped_and_counted() {
    let end = DrainConfig { drain_finish: SHORT, ..quick_end() };
    let (server, begun, _never) = with_slow_handler(&end).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    within(begun.notified()).await;
    server.drain.begin();
    assert_eq!(server.served().await, Served { dropped: 1 });
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (server, begun, _never) = with_slow_handler(&slow_end()).await;
    let mut client = server.connect().await;
    client.send(GET).await;
    within(begun.notified()).await;
    server.drain.begin();
    server.drain.begin();
    assert_eq!(server.served().await, Served { dropped: 1 });
}

/// Asks until the listener is gone, on a new connection whenever it was told that the last one ends.
async fn ask_to_the_end(address: SocketAddr) -> Result<u32, String> {
    let mut answers = 0;
    loop {
        let mut client = match Wire::connect(address).await {
            Ok(client) => client,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(answers),
            Err(error) => return Err(format!("not connected after {answers} answers: {error}")),
        };
        loop {
            client.send(GET).await;
            match client.try_answer().await {
                Ok(answer) if answer.status() == "200" => {
                    answers += 1;
                    if answer.is_last() {
                        break;
                    }
                }
                other => return Err(format!("lost after {answers} answers: {other:?}")),
            }
        }
    }
}

#[tokio::test]
async fn clients_under_load_lose_nothing() {
    let server = Server::start_ending(patient(), &quick_end(), greeter()).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..20 {
        clients.spawn(ask_to_the_end(server.address));
    }
    server.drain.begin();
    for answers in within(clients.join_all()).await {
        assert!(answers.unwrap() > 0);
    }
    assert_eq!(server.served().await, Served { dropped: 0 });
}

#[rstest]
#[case::short_grace(2, 20)]
#[case::long_grace(30, 5)]
#[tokio::test(start_paused = true)]
async fn each_phase_lasts_as_long_as_it_is_set(#[case] grace: u64, #[case] finish: u64) {
    let seconds = Duration::from_secs;
    let end = DrainConfig { drain_grace: seconds(grace), drain_finish: seconds(finish), drain_linger: SHORT };
    let drain = Drain::manual(&end);
    let begun = Instant::now();
    drain.begin();
    drain.wait_for(Phase::Grace).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    drain.wait_for(Phase::Closing).await;
    assert_eq!(begun.elapsed().as_secs(), grace);
    drain.wait_for(Phase::Over).await;
    assert_eq!(begun.elapsed().as_secs(), grace + finish);
}

fn send_me(signal: &str) {
    let me = std::process::id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &me]).status().unwrap().success());
}

#[test]
fn signals_are_heard_while_every_thread_is_busy() {
    let api = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let busy = Arc::new(Barrier::new(2));
    let drain = {
        let _as_in_the_service = api.enter();
        Drain::on_signals(&slow_end()).unwrap()
    };
    let held = busy.clone();
    api.spawn(async move { held.wait() });
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    waiting.block_on(async {
        assert_eq!(drain.phase(), Phase::Serving);
        send_me("TERM");
        within(drain.wait_for(Phase::Grace)).await;
        assert_eq!(drain.phase(), Phase::Grace);
        send_me("INT");
        within(drain.wait_for(Phase::Over)).await;
    });
    busy.wait();
}
