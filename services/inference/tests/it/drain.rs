//! The end of the service, phase by phase: no request that was accepted is lost.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use inference::drain::{DrainConfig, Phase};
use inference::listen::Served;
use tokio::sync::Notify;

use crate::protocols::{greeter, http2_client, http2_get};
use crate::wire::{GET, NEVER, SHORT, Server, Wire, patient, slow_end, within};

/// No grace, and time enough for everything after it.
fn quick_end() -> DrainConfig {
    DrainConfig { drain_grace: Duration::ZERO, drain_finish: NEVER, drain_linger: SHORT }
}

/// A server whose handler answers when it is told to, and the word that it has begun.
async fn with_slow_handler(end: &DrainConfig) -> (Server, Arc<Notify>, Arc<Notify>) {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says_begun, waits) = (begun.clone(), finish.clone());
    let handler = async move || {
        says_begun.notify_one();
        waits.notified().await;
        "done"
    };
    (Server::start_ending(patient(), end, Router::new().route("/", get(handler))).await, begun, finish)
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

#[tokio::test]
async fn clients_under_load_lose_nothing() {
    let server = Server::start_ending(patient(), &quick_end(), greeter()).await;
    let asking = |mut client: Wire| async move {
        let mut answers = 0;
        loop {
            let answer = client.ask(GET).await;
            assert_eq!(answer.status(), "200");
            answers += 1;
            if answer.is_last() {
                return answers;
            }
        }
    };
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..20 {
        clients.spawn(asking(server.connect().await));
    }
    server.drain.begin();
    let answers: Vec<u32> = within(clients.join_all()).await;
    assert!(answers.iter().all(|answers| *answers > 0));
    assert_eq!(server.served().await, Served { dropped: 0 });
}
