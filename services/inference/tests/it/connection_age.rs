//! Connections get old and come again: told in time, with no request lost.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use inference::listen::ListenConfig;
use rstest::rstest;
use tokio::time::sleep;

use crate::protocols::{greeter, http2_client, http2_get};
use crate::wire::{GET, NEVER, SHORT, Server, patient, within};

fn aging(age: Duration) -> ListenConfig {
    ListenConfig { connection_age: age, ..patient() }
}

#[tokio::test]
async fn an_old_connection_is_told_with_an_answer_that_is_its_last() {
    let server = Server::start(aging(SHORT), greeter()).await;
    let mut client = server.connect().await;
    let young = within(async {
        let mut young = 0;
        loop {
            let answer = client.ask(GET).await;
            assert_eq!(answer.status(), "200");
            if answer.is_last() {
                return young;
            }
            young += 1;
        }
    })
    .await;
    assert!(young > 0, "told with its first answer");
    assert_eq!(client.closed().await, b"");
    assert!(!server.connect().await.ask(GET).await.is_last(), "the next one is young");
}

#[tokio::test]
async fn an_old_connection_between_two_requests_is_not_cut_off() {
    let server = Server::start(aging(Duration::ZERO), greeter()).await;
    let mut client = server.connect().await;
    // Its request may be on the way already.
    sleep(SHORT).await;
    let answer = client.ask(GET).await;
    assert_eq!((answer.status(), answer.is_last()), ("200", true));
    assert_eq!(client.closed().await, b"");
}

#[tokio::test]
async fn a_request_that_began_in_time_is_answered_and_told() {
    let slow = Router::new().route("/", get(async || sleep(3 * SHORT).await));
    let server = Server::start(aging(SHORT), slow).await;
    let answer = server.connect().await.ask(GET).await;
    assert_eq!((answer.status(), answer.is_last()), ("200", true));
}

#[rstest]
#[case::idle(false)]
#[case::asking(true)]
#[tokio::test]
async fn an_old_http_2_connection_is_told_with_goaway(#[case] asking: bool) {
    let slow = Router::new().route("/", get(async || sleep(3 * SHORT).await));
    let server = Server::start(aging(SHORT), slow).await;
    let (mut client, connection) = http2_client(&server).await;
    if asking {
        assert_eq!(within(client.send_request(http2_get())).await.unwrap().status(), 200);
    }
    // With GOAWAY, not by breaking off: that would be an error here.
    within(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_young_connection_is_left_alone() {
    let server = Server::start(aging(NEVER), greeter()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        assert!(!client.ask(GET).await.is_last());
    }
}
