//! Grafana as a process, where it is on the `PATH`: provisioned from the files of `observability/`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::compose;
use super::configuration::Configuration;
use super::part::Part;
use super::serving::Addresses;
use crate::process;
use crate::workspace::Workspace;

/// Grafana.
#[derive(Debug)]
pub(crate) struct Grafana {
    _part: Part,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Grafana {
    /// Starts it; none where it is not on this machine. Does not wait until it is ready: its first start takes long.
    pub(super) fn start(
        workspace: &Workspace,
        address: SocketAddr,
        configuration: &Configuration,
        others: Addresses,
        folder: &Path,
    ) -> anyhow::Result<Option<Self>> {
        let Ok(program) = which::which("grafana") else { return Ok(None) };
        let home =
            home(&program).context("grafana is on the PATH, and its public/ folder is nowhere near")?;
        let data = folder.join("grafana");
        let provisioning = configuration.path("grafana/provisioning");
        let mut command = Command::new(program);
        command
            .args(["server", "--homepath", process::text(&home)?])
            .envs(compose::environment(workspace, "grafana")?)
            .env("PROMETHEUS_URL", format!("http://{}", others.prometheus))
            .env("ALERTMANAGER_URL", format!("http://{}", others.alertmanager))
            .env("DASHBOARDS_PATH", configuration.path("grafana/dashboards"))
            .env("GF_PATHS_PROVISIONING", provisioning)
            .env("GF_PATHS_DATA", &data)
            .env("GF_PATHS_LOGS", data.join("log"))
            .env("GF_SERVER_HTTP_ADDR", address.ip().to_string())
            .env("GF_SERVER_HTTP_PORT", address.port().to_string());
        Ok(Some(Self { _part: Part::start("grafana", command, folder)?, address }))
    }
}

/// Where Grafana's own files are: beside the program's folder, or where packages put them.
fn home(program: &Path) -> Option<std::path::PathBuf> {
    let real = program.canonicalize().ok()?;
    let beside = real.parent()?.parent()?.to_owned();
    [beside, "/usr/share/grafana".into()].into_iter().find(|home| home.join("public").is_dir())
}
