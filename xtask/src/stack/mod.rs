//! The service and everything that watches it, as processes on this machine's loopback, without Docker: for a person
//! (`cargo xtask up`) and for the end-to-end test of observability.
//!
//! The configuration is the one of `observability/`. Every process ends with its owner. Must never know what is right:
//! that is what the test is about.

mod alertmanager;
mod clients;
mod clock;
mod collector;
mod compose;
mod configuration;
mod disk;
mod grafana;
mod http;
mod memory;
mod part;
mod ports;
mod prometheus;
mod restarted;
mod serving;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use self::disk::Disk;
use self::prometheus::Target;
use crate::wait;
use crate::workspace::Workspace;

pub(crate) use self::alertmanager::{Alert, Alertmanager};
pub(crate) use self::clients::{Calls, Clients, Kind};
pub(crate) use self::collector::{Collector, Span};
pub(crate) use self::configuration::Configuration;
pub(crate) use self::grafana::Grafana;
pub(crate) use self::http::Http;
pub(crate) use self::part::Part;
pub(crate) use self::ports::Ports;
pub(crate) use self::prometheus::{Prometheus, Rule};
pub(crate) use self::serving::{Serving, Setup, seconds_since_1970};

/// Tools that the stack is made of, besides the service.
pub(crate) const NEEDS: &[&str] = &["prometheus", "prometheus-alertmanager", "otelcol"];

/// For Prometheus to have scraped everything, at fifteen seconds a scrape.
const SCRAPE_LIMIT: Duration = Duration::from_secs(60);

/// The jobs of `prometheus.yml`.
pub(crate) const JOBS: [&str; 5] = ["alertmanager", "inference", "inference-probe", "otelcol", "prometheus"];

/// All of it.
#[derive(Debug)]
pub(crate) struct Stack {
    /// What is watched.
    pub(crate) serving: Serving,
    /// What it is watched with.
    pub(crate) configuration: Configuration,
    /// Alertmanager.
    pub(crate) alertmanager: Alertmanager,
    /// Prometheus.
    pub(crate) prometheus: Prometheus,
}

impl Stack {
    /// Has what serves watched. `data` is Prometheus' own folder: a test may have put a history there.
    pub(crate) fn watch(
        workspace: &Workspace,
        serving: Serving,
        setup: Setup,
        data: &Path,
    ) -> anyhow::Result<Self> {
        let root = serving.folder().to_owned();
        let configuration = match setup.compression {
            1 => Configuration::committed(workspace, &root)?,
            compression => Configuration::compressed(workspace, &root, compression)?,
        };
        let addresses = serving.addresses;
        for (job, address) in [
            ("alertmanager", addresses.alertmanager),
            ("inference", addresses.admin),
            ("inference-probe", addresses.probe),
            ("otelcol", addresses.telemetry),
            ("prometheus", addresses.prometheus),
        ] {
            configuration.set_targets(job, &[address])?;
        }
        let alertmanager = Alertmanager::start(
            workspace,
            addresses.alertmanager,
            &configuration.path("alertmanager"),
            &root,
        )?;
        let disk = Disk { folder: data, is_small: setup.can_be_broken };
        let prometheus = Prometheus::start(
            workspace,
            addresses.prometheus,
            &configuration.path("prometheus"),
            disk,
            &root,
            &configuration.look_back(),
        )?;
        Ok(Self { serving, configuration, alertmanager, prometheus })
    }

    /// Where Prometheus keeps its samples, unless a test has reasons.
    pub(crate) fn data(serving: &Serving) -> PathBuf {
        serving.folder().join("samples")
    }

    /// Waits until every job has a target that answers.
    pub(crate) fn is_scraped(&self) -> anyhow::Result<()> {
        let mut down = Vec::new();
        wait::until("every job to be scraped", SCRAPE_LIMIT, || {
            let targets = self.prometheus.targets()?;
            let is_up = |job: &str| {
                let of_job = |target: &&Target| target.labels.get("job").is_some_and(|own| own == job);
                targets.iter().filter(of_job).any(|target| target.health == "up")
            };
            let all_up = JOBS.iter().all(|job| is_up(job)).then_some(());
            down = targets.into_iter().filter(|target| target.health != "up").collect();
            Ok(all_up)
        })
        .with_context(|| format!("{down:?}"))
    }

    /// Starts Grafana where this machine has one.
    pub(crate) fn grafana(&self, workspace: &Workspace, ports: Ports) -> anyhow::Result<Option<Grafana>> {
        let (addresses, root) = (self.serving.addresses, self.serving.folder());
        Grafana::start(workspace, ports.address(3000)?, &self.configuration, addresses, root)
    }
}
