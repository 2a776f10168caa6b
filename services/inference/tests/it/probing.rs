//! The prober in a process of its own, seen by what it counts and what it says.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::running::ready;
use crate::wire::{Answer, GET, Wire, within};

pub(crate) const API: &str = "/api";
pub(crate) const INFER: &str = "/v2/models/{model}/infer";
pub(crate) const RESULTS: [&str; 4] = ["right", "wrong", "refused", "failed"];

/// The prober in a process of its own; killed with this.
pub(crate) struct Prober {
    pub(crate) process: Child,
    metrics: SocketAddr,
    folder: TempDir,
}

impl Prober {
    /// Asks `target` so often that no test waits for it.
    pub(crate) async fn start(target: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready_file = folder.path().join("ready.json");
        let process = Command::new(env!("CARGO_BIN_EXE_inference"))
            .args(["probe", "--target", target, "--metrics-listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready_file)
            .args(arguments)
            .env("INFERENCE_PROBE_INTERVAL", "1ms")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let metrics = ready(&ready_file).await["metrics"].as_str().unwrap().parse().unwrap();
        Self { process, metrics, folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let mut wire = Wire::connect(self.metrics).await.unwrap();
        wire.ask(GET.replace(" / ", &format!(" {path} "))).await
    }

    /// How often each result came, on this route, in the order of [`RESULTS`].
    pub(crate) async fn answers(&self, route: &str) -> [u64; 4] {
        let page = self.get("/metrics").await.body;
        RESULTS.map(|result| {
            let labels = format!(r#"{{http_route="{route}",result="{result}"}}"#);
            value(&page, &format!("probe_answers_total{labels}"))
        })
    }

    /// Waits until `result` came so often on both routes; gives how often each did, of both together.
    pub(crate) async fn found(&self, result: &str, times: u64) -> [u64; 4] {
        let at = RESULTS.iter().position(|other| *other == result).unwrap();
        within(async {
            loop {
                let (api, infer) = (self.answers(API).await, self.answers(INFER).await);
                if api[at] >= times && infer[at] >= times {
                    return std::array::from_fn(|at| api[at] + infer[at]);
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

#[track_caller]
pub(crate) fn value(page: &str, series: &str) -> u64 {
    let found = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
}
