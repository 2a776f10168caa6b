//! What the metrics say about connections, of the binary itself: its counts are the process's.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::wire::{GET, Wire, within};

/// The service in a process of its own; killed with this.
pub(crate) struct Running {
    pub(crate) process: Child,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    _directory: TempDir,
}

impl Running {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ready_file = directory.path().join("ready.json");
        let process = Command::new(env!("CARGO_BIN_EXE_inference"))
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready_file)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ready: Value = within(async {
            loop {
                let written = std::fs::read(&ready_file).unwrap_or_default();
                if let Ok(ready) = serde_json::from_slice(&written) {
                    return ready;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        let address = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        Self { process, api: address("api"), admin: address("admin"), _directory: directory }
    }

    async fn connect(&self) -> Wire {
        Wire::connect(self.api).await.unwrap()
    }

    /// Scrapes until `series` has `value`.
    pub(crate) async fn counts(&self, series: &str, value: u64) {
        let expected = format!("\n{series} {value}\n");
        within(async {
            loop {
                let mut scrape = Wire::connect(self.admin).await.unwrap();
                if scrape.ask(GET.replace(" / ", " /metrics ")).await.body.contains(&expected) {
                    return;
                }
            }
        })
        .await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

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
    for reason in ["limit", "silence", "header-timeout"] {
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
