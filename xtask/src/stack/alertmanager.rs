//! Alertmanager as a process, with the configuration of its folder, and the alerts that it has.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::compose;
use super::http::Http;
use super::part::Part;
use crate::process::text;
use crate::workspace::Workspace;

/// Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    _part: Part,
    http: Http,
}

/// An alert that fires now.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Alert {
    /// Its name is `alertname`.
    pub(crate) labels: BTreeMap<String, String>,
    /// For the person who reads it.
    pub(crate) annotations: BTreeMap<String, String>,
    status: Status,
    receivers: Vec<Receiver>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    inhibited_by: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Receiver {
    name: String,
}

impl Alertmanager {
    /// Starts it with `alertmanager.yml` of the folder, and waits until it takes alerts.
    pub(super) fn start(
        workspace: &Workspace,
        address: SocketAddr,
        configuration: &Path,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let instead = [
            ("--config.file", text(&configuration.join("alertmanager.yml"))?.to_owned()),
            ("--storage.path", text(&log.join("alertmanager"))?.to_owned()),
            ("--web.listen-address", address.to_string()),
            ("--web.external-url", format!("http://{address}")),
        ];
        let mut command = Command::new("prometheus-alertmanager");
        command.args(compose::command(workspace, "alertmanager", &instead)?);
        let mut part = Part::start("alertmanager", command, log)?;
        let http = Http::to(address);
        part.ready(|_| Ok(http.is_there("/-/ready")))?;
        Ok(Self { _part: part, http })
    }

    /// Has alerts of these labels fire, as Prometheus does it.
    pub(crate) fn fire(&self, labels: &[Value]) -> anyhow::Result<()> {
        let alerts: Value = labels.iter().map(|labels| json!({ "labels": labels })).collect();
        self.http.post("/api/v2/alerts", &alerts)
    }

    /// The alerts that fire now, those that are held back included.
    pub(crate) fn alerts(&self) -> anyhow::Result<Vec<Alert>> {
        self.http.json("/api/v2/alerts", &[])
    }
}

impl Alert {
    /// The value of a label; empty where it has none.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// Whether another alert holds it back.
    pub(crate) fn is_inhibited(&self) -> bool {
        !self.status.inhibited_by.is_empty()
    }

    /// Whom it reaches.
    pub(crate) fn receivers(&self) -> impl Iterator<Item = &str> {
        self.receivers.iter().map(|receiver| receiver.name.as_str())
    }
}
