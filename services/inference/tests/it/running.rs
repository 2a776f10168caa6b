//! The binary as a service in a process of its own, seen from outside: its sockets and its metrics.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::wire::{Answer, GET, Wire, within};

/// The service in a process of its own; killed with this.
pub(crate) struct Running {
    pub(crate) process: Child,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// What lets a caller in, in development mode.
    pub(crate) token: String,
    _directory: TempDir,
}

impl Running {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::start_logging_to(Stdio::null(), arguments).await
    }

    pub(crate) async fn start_logging_to(log: Stdio, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ready_file = directory.path().join("ready.json");
        let process = Command::new(env!("CARGO_BIN_EXE_inference"))
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready_file)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let ready = ready(&ready_file).await;
        let address = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        let token = ready["token"].as_str().unwrap_or_default().to_owned();
        Self { process, api: address("api"), admin: address("admin"), token, _directory: directory }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::connect(self.api).await.unwrap()
    }

    /// What a probe or a scrape is answered.
    pub(crate) async fn probe(&self, path: &str) -> Answer {
        let mut wire = Wire::connect(self.admin).await.unwrap();
        wire.ask(GET.replace(" / ", &format!(" {path} "))).await
    }

    /// Scrapes until `series` has `value`.
    pub(crate) async fn counts(&self, series: &str, value: u64) {
        let expected = format!("\n{series} {value}\n");
        within(async {
            loop {
                if self.probe("/metrics").await.body.contains(&expected) {
                    return;
                }
            }
        })
        .await;
    }
}

/// What a process says once it is ready.
pub(crate) async fn ready(file: &Path) -> Value {
    within(async {
        loop {
            let written = std::fs::read(file).unwrap_or_default();
            if let Ok(ready) = serde_json::from_slice(&written) {
                return ready;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

impl Drop for Running {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}
