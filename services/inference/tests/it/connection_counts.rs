//! What the metrics say about connections, of the binary itself: its counts are the process's.

use crate::running::Running;
use crate::wire::GET;

#[tokio::test]
async fn connections_are_counted_while_they_are_open_whoever_ends_them() {
    let service = Running::start(&["--max-connections", "3"]).await;
    service.counts("connections_limit", 3).await;
    service.counts("connections", 0).await;
    let mut asking = service.connect().await;
    asking.ask(GET).await;
    let silent = service.connect().await;
    let mut in_the_middle = service.connect().await;
    in_the_middle.send("POST /api HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nhalf").await;
    service.counts("connections", 3).await;
    drop(in_the_middle);
    service.counts("connections", 2).await;
    drop(silent);
    asking.ask("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    service.counts("connections", 0).await;
}

#[tokio::test]
async fn connections_that_are_refused_are_counted_by_reason() {
    let service = Running::start(&["--max-connections", "1", "--header-timeout", "200ms"]).await;
    let refused = |reason: &str| format!("connections_refused_total{{reason=\"{reason}\"}}");
    for reason in ["limit", "silence", "header-timeout", "proxy-header"] {
        service.counts(&refused(reason), 0).await;
    }
    let mut kept = service.connect().await;
    kept.ask(GET).await;
    service.connect().await.closed().await;
    service.counts(&refused("limit"), 1).await;
    drop(kept);
    service.counts("connections", 0).await;
    let mut begun = service.connect().await;
    begun.send("GET / HT").await;
    begun.closed().await;
    service.counts(&refused("header-timeout"), 1).await;
    service.connect().await.closed().await;
    service.counts(&refused("silence"), 1).await;
}

#[tokio::test]
async fn a_proxy_that_does_not_say_whose_connection_it_is_is_counted() {
    let service = Running::start(&["--proxy-protocol", "--trusted-proxies", "127.0.0.1"]).await;
    // One that only looks whether somebody listens does nothing wrong.
    drop(service.connect().await);
    let mut proxy = service.connect().await;
    proxy.send(GET).await;
    assert_eq!(proxy.closed().await, b"");
    service.counts("connections", 0).await;
    service.counts("connections_refused_total{reason=\"proxy-header\"}", 1).await;
}
