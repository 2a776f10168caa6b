//! wrk as a client: the same requests for whoever is measured, and its own counts as numbers.
//!
//! Must never let a run count in which anything but 200 was answered.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::spread::figure;

/// Keep-alive connections, each with one request under way at a time.
pub(super) const CONNECTIONS: u32 = 64;

/// What wrk is told: the request, and to print its counts as JSON at the end.
const SCRIPT: &str = r#"
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. os.getenv("TOKEN")
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\nCOUNTS {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"#;

/// The counts of one run.
#[derive(Debug, Deserialize)]
pub(super) struct Counts {
    /// Answers.
    pub(super) requests: u64,
    microseconds: u64,
    refused: u64,
    broken: u64,
    /// Half of the answers were faster, in microseconds.
    pub(super) p50_us: u64,
    /// 99 of 100 answers were faster, in microseconds.
    pub(super) p99_us: u64,
}

impl Counts {
    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        figure(self.requests) * 1e6 / figure(self.microseconds)
    }
}

/// Asks as fast as it is answered, for some seconds.
pub(super) fn run(
    shell: &Shell,
    address: SocketAddr,
    token: &str,
    body: &str,
    seconds: u32,
) -> anyhow::Result<Counts> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("ask.lua");
    std::fs::write(&script, SCRIPT)?;
    let (connections, seconds) = (CONNECTIONS.to_string(), seconds.to_string());
    let printed = cmd!(shell, "wrk --threads 1 --connections {connections} --duration {seconds}")
        .arg("--script")
        .arg(&script)
        .arg(format!("http://{address}/api"))
        .env("TOKEN", token)
        .env("BODY", body)
        .quiet()
        .read()?;
    let counts = printed
        .lines()
        .find_map(|line| line.strip_prefix("COUNTS "))
        .with_context(|| format!("wrk printed no counts:\n{printed}"))?;
    let counts: Counts = serde_json::from_str(counts)?;
    ensure!(counts.refused == 0, "{} requests were not answered by 200", counts.refused);
    ensure!(counts.broken == 0, "{} connections broke", counts.broken);
    Ok(counts)
}
