//! The binary with everything taken at once: threads, places and connections of the API. Probes and scrapes answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use crate::running::Running;
use crate::service::one_row;

/// Places for requests, of which some are held by clients that send no body, and connections.
const PLACES: usize = 8;
const HELD: usize = 6;
const CONNECTIONS: usize = 12;
/// What keeps the threads busy: batches of so many rows for which the model has to run, one after the other.
const ROWS: usize = 1024;

fn head(service: &Running, length: usize) -> String {
    let token = &service.token;
    format!(
        "POST /api HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_while_threads_places_and_connections_of_the_api_are_all_taken() {
    let (places, connections) = (PLACES.to_string(), CONNECTIONS.to_string());
    let bounds = ["--in-flight", &places, "--max-connections", &connections];
    // However long it takes: who holds a place or a connection keeps it.
    let patience = ["--body-timeout", "1h", "--header-timeout", "1h"];
    let service = Running::start(&[bounds, patience].concat()).await;

    let row = one_row().to_string();
    let mut holders = Vec::new();
    for _ in 0..HELD {
        let mut holder = service.connect().await;
        holder.send(format!("{}expect: 100-continue\r\n\r\n", head(&service, row.len()))).await;
        assert_eq!(holder.answer().await.status(), "100");
        holders.push(holder);
    }
    // Half of everything: no flight is that, so that no answer is known beforehand.
    let batch = json!({ "array": vec![vec![0.5; 37]; ROWS] }).to_string();
    let request = format!("{}\r\n{batch}", head(&service, batch.len()));
    let over = Arc::new(AtomicBool::new(false));
    let mut busy = JoinSet::new();
    for _ in HELD..PLACES {
        let (mut client, request, over) = (service.connect().await, request.clone(), Arc::clone(&over));
        busy.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(client.ask(&request).await.status(), "200");
            }
        });
    }
    service.counts("http_server_active_requests", PLACES.try_into().unwrap()).await;
    // Connections that ask for nothing: a request on one of them might get a place between two batches.
    let mut rest = Vec::new();
    for _ in PLACES..CONNECTIONS {
        rest.push(service.connect().await);
    }
    service.counts("connections", CONNECTIONS.try_into().unwrap()).await;
    assert_eq!(service.connect().await.answer().await.status(), "503");

    for path in ["/livez", "/readyz", "/metrics"].repeat(10) {
        assert_eq!(service.probe(path).await.status(), "200", "{path}");
    }
    over.store(true, Ordering::Relaxed);
    busy.join_all().await;
    for mut holder in holders {
        assert_eq!(holder.ask(&row).await.status(), "200");
    }
}
