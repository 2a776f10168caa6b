//! Questions to Prometheus, Alertmanager and the service's admin listener, with JSON as the answer.
//!
//! Must never ask anything but loopback: addresses, not names, are what it takes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::typestate::WithBody;
use ureq::{Agent, RequestBuilder};

/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_secs(30);

/// Where the questions go.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    agent: Agent,
    address: SocketAddr,
}

impl Http {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self { agent: config.into(), address }
    }

    /// Whether the page is there.
    pub(super) fn is_there(&self, path: &str) -> bool {
        self.agent.get(self.url(path)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// The page's JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<T> {
        let request = self.agent.get(self.url(path)).query_pairs(query.iter().copied());
        let mut answer = request.call().with_context(|| format!("{path} {query:?}"))?;
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string()?;
        ensure!(answer.status() == 200, "{path} {query:?} was answered {}: {text}", answer.status());
        serde_json::from_str(&text).with_context(|| format!("{path} was answered with {text}"))
    }

    /// The page.
    pub(crate) fn text(&self, path: &str) -> anyhow::Result<String> {
        let mut answer = self.agent.get(self.url(path)).call().with_context(|| path.to_owned())?;
        ensure!(answer.status() == 200, "{path} was answered {}", answer.status());
        Ok(answer.body_mut().read_to_string()?)
    }

    /// Replaces what is there.
    pub(crate) fn put(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        send(self.agent.put(self.url(path)), path, body)
    }

    /// Adds to what is there.
    pub(super) fn post(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        send(self.agent.post(self.url(path)), path, body)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn send(request: RequestBuilder<WithBody>, path: &str, body: &Value) -> anyhow::Result<()> {
    let request = request.header("content-type", "application/json");
    let mut answer = request.send(body.to_string()).with_context(|| path.to_owned())?;
    let text = answer.body_mut().read_to_string()?;
    ensure!(answer.status().is_success(), "{path} {body} was answered {}: {text}", answer.status());
    Ok(())
}
