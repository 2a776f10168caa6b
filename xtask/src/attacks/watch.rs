//! Watches the counters of a service while something is sent to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::keep_alive::{self, Answer, KeepAlive};
use crate::service::Service;
use crate::wait;

/// Longer than a counter takes to move after the answer; reached only when none does.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// What is decided about callers is counted in these.
const FAMILIES: [&str; 3] = ["auth_decisions_total", "quota_decisions_total", "connections_refused_total"];

/// One attack, as it went.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) attack: &'static str,
    pub(super) sent: &'static str,
    pub(super) answer: String,
    pub(super) counters: Vec<String>,
}

/// What there is to say about what came back.
#[derive(Debug)]
pub(super) struct Heard {
    answer: String,
    let_in: bool,
}

/// The counters of one service, and what moved them.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) api: SocketAddr,
    admin: SocketAddr,
    rows: Vec<Row>,
}

impl Watch {
    pub(super) fn of(service: &Service) -> Self {
        let ready = service.ready();
        Self { api: ready.api, admin: ready.admin, rows: Vec::new() }
    }

    /// What was seen.
    pub(super) fn rows(self) -> Vec<Row> {
        self.rows
    }

    /// Sends what is right: were it refused, no refusal would say anything.
    pub(super) fn control(
        &mut self,
        sent: &'static str,
        send: impl FnOnce(SocketAddr) -> anyhow::Result<Heard>,
    ) -> anyhow::Result<()> {
        let heard = self.watch("none", sent, send)?;
        ensure!(heard, "{sent}: refused, although nothing is wrong with it: {:?}", self.rows.last());
        Ok(())
    }

    /// Sends what must not be let in.
    pub(super) fn attack(
        &mut self,
        attack: &'static str,
        sent: &'static str,
        send: impl FnOnce(SocketAddr) -> anyhow::Result<Heard>,
    ) -> anyhow::Result<()> {
        let let_in = self.watch(attack, sent, send)?;
        ensure!(!let_in, "the attack `{attack}` got through: {:?}", self.rows.last());
        Ok(())
    }

    fn watch(
        &mut self,
        attack: &'static str,
        sent: &'static str,
        send: impl FnOnce(SocketAddr) -> anyhow::Result<Heard>,
    ) -> anyhow::Result<bool> {
        let before = self.counters()?;
        let Heard { answer, let_in } = send(self.api).with_context(|| format!("{attack}: {sent}"))?;
        let counters = wait::until(attack, LIMIT, || {
            let moved: Vec<_> = moved(&before, &self.counters()?).collect();
            Ok((!moved.is_empty()).then_some(moved))
        })?;
        self.rows.push(Row { attack, sent, answer, counters });
        Ok(let_in)
    }

    fn counters(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let page = keep_alive::get(self.admin, "/metrics")?.body;
        let of_interest = |line: &&str| FAMILIES.iter().any(|family| line.starts_with(family));
        page.lines()
            .filter(of_interest)
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').context("a series without a value")?;
                Ok((series.to_owned(), value.parse()?))
            })
            .collect()
    }
}

fn moved<'a>(
    before: &'a BTreeMap<String, u64>,
    after: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = String> + 'a {
    after.iter().filter_map(|(series, value)| {
        let by = value - before.get(series).copied().unwrap_or_default();
        (by > 0).then(|| format!("{series} +{by}"))
    })
}

impl Heard {
    /// What a handshake ended with.
    pub(super) fn refused(alert: &str) -> Self {
        Self { answer: format!("handshake refused: {alert}"), let_in: false }
    }

    /// A connection that ended without an answer.
    pub(super) fn closed() -> Self {
        Self { answer: "closed".to_owned(), let_in: false }
    }

    pub(super) fn of(answer: &Answer) -> anyhow::Result<Self> {
        let status = answer.status;
        if status == 200 {
            return Ok(Self { answer: "200".to_owned(), let_in: true });
        }
        let problem: serde_json::Value = serde_json::from_str(&answer.body)?;
        let code = problem.get("code").and_then(|code| code.as_str()).context("a problem without a code")?;
        let challenge =
            answer.field("www-authenticate").map(|value| format!("; {value}")).unwrap_or_default();
        let later = answer.field("retry-after").map_or("", |_| "; Retry-After");
        Ok(Self { answer: format!("{status} {code}{challenge}{later}"), let_in: false })
    }
}

/// Posts `body` with these fields in the header, on a connection of its own.
pub(super) fn post(api: SocketAddr, fields: &[(&str, &str)], body: &str) -> anyhow::Result<Heard> {
    let request = keep_alive::post_without_token(api, "/api", fields, body);
    Heard::of(&KeepAlive::open(api)?.send(&request)?)
}
