//! The service's Helm release: the only place that writes command lines of Helm, and that knows names of the chart's values.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::gate::{Answer, Gate};
use super::image::ImageByDigest;
use super::load::{FrontDoor, Load};
use super::rollout::Steps;
use super::watch::{Clock, Watch};
use crate::workspace::Workspace;

const NAME: &str = "inference";
const NAMESPACE: &str = "inference";
const CHART: &str = "infra/charts/inference";

/// A release that is there, as it was when it was found.
#[derive(Debug)]
pub(super) struct Release {
    shell: Shell,
    cluster: Vec<String>,
    /// What Helm waits for, and how long.
    wait: [String; 2],
    /// The revision to go back to.
    before: u32,
}

#[derive(Debug, Deserialize)]
struct Revision {
    revision: u32,
    status: String,
}

impl Release {
    pub(super) fn find(
        workspace: &Workspace,
        kubeconfig: Option<&Path>,
        ready_within: Duration,
    ) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let mut cluster = vec![format!("--namespace={NAMESPACE}")];
        cluster.extend(kubeconfig.map(|file| format!("--kubeconfig={}", file.display())));
        let options = &cluster;
        let history = cmd!(shell, "helm history {NAME} {options...} --output=json")
            .quiet()
            .read()
            .context("there is no release yet; terraform/platform makes the first (infra/README.md)")?;
        let before = deployed(&history)?;
        let wait = ["--wait".to_owned(), format!("--timeout={}s", ready_within.as_secs())];
        Ok(Self { shell, cluster, wait, before })
    }

    /// Makes the image the only version; a canary goes.
    pub(super) fn make_stable(&self, image: &ImageByDigest) -> anyhow::Result<()> {
        self.upgrade(&[&format!("image={image}"), "canary.image="])
    }

    /// Leaves the stable version as it is.
    pub(super) fn end_canary(&self) -> anyhow::Result<()> {
        self.upgrade(&["canary.image="])
    }

    fn start_canary(&self, image: &ImageByDigest) -> anyhow::Result<()> {
        self.upgrade(&[&format!("canary.image={image}")])
    }

    fn restore(&self) -> anyhow::Result<()> {
        let Self { shell, cluster, wait, before } = self;
        let before = before.to_string();
        cmd!(shell, "helm rollback {NAME} {before} {cluster...} {wait...}").ignore_stdout().run()?;
        Ok(())
    }

    /// With the chart's own new defaults, and below them what the release was told before.
    fn upgrade(&self, settings: &[&str]) -> anyhow::Result<()> {
        let Self { shell, cluster, wait, .. } = self;
        let settings = settings.iter().flat_map(|setting| ["--set-string", *setting]);
        cmd!(shell, "helm upgrade {NAME} {CHART} {cluster...} --reset-then-reuse-values {wait...}")
            .args(settings)
            .ignore_stdout()
            .run()?;
        Ok(())
    }
}

/// The newest revision that is in force. One that is neither in force nor ended would be somebody's at work.
fn deployed(history: &str) -> anyhow::Result<u32> {
    let revisions: Vec<Revision> = serde_json::from_str(history).context("`helm history` in JSON")?;
    let busy = revisions.iter().find(|revision| revision.status.starts_with("pending"));
    if let Some(Revision { revision, status }) = busy {
        bail!(
            "revision {revision} is {status}: somebody delivers, or was cut off (infra/README.md, Rollback)"
        );
    }
    let newest =
        revisions.iter().filter(|revision| revision.status == "deployed").max_by_key(|of| of.revision);
    Ok(newest.context("no revision of the release is deployed")?.revision)
}

/// A rollout to a cluster.
#[derive(Debug)]
pub(super) struct Rollout<'a> {
    pub(super) release: Release,
    pub(super) image: &'a ImageByDigest,
    pub(super) gate: Gate<'a>,
    pub(super) watch: Watch,
    pub(super) load: &'a [String],
    /// Whom it is sent to, where the command doesn't say.
    pub(super) door: Option<FrontDoor>,
}

impl Steps for Rollout<'_> {
    fn budget(&mut self) -> anyhow::Result<Answer> {
        self.gate.budget()
    }

    fn start_canary(&mut self) -> anyhow::Result<()> {
        self.release.start_canary(self.image)
    }

    fn watch(&mut self) -> anyhow::Result<Answer> {
        let mut load = Load::start(self.load, self.door.as_ref())?;
        self.watch.over(&mut Clock::start(), || {
            load.is_well()?;
            self.gate.canary(self.image)
        })
    }

    fn promote(&mut self) -> anyhow::Result<()> {
        self.release.make_stable(self.image)
    }

    fn restore(&mut self) -> anyhow::Result<()> {
        self.release.restore()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn history(statuses: &[&str]) -> String {
        let revision = |(index, status): (usize, &&str)| {
            format!(r#"{{"revision":{},"status":"{status}","chart":"inference-0.1.0"}}"#, index + 1)
        };
        format!("[{}]", statuses.iter().enumerate().map(revision).collect::<Vec<_>>().join(","))
    }

    #[rstest]
    #[case::the_first(&["deployed"], 1)]
    #[case::the_newest(&["superseded", "superseded", "deployed"], 3)]
    #[case::the_one_before_a_failure(&["superseded", "deployed", "failed"], 2)]
    fn one_goes_back_to_what_is_in_force(#[case] statuses: &[&str], #[case] revision: u32) {
        assert_eq!(deployed(&history(statuses)).unwrap(), revision);
    }

    #[rstest]
    #[case::somebody_delivers(&["deployed", "pending-upgrade"], "revision 2 is pending-upgrade")]
    #[case::nothing_works(&["failed"], "no revision of the release is deployed")]
    fn nothing_is_begun_without_a_way_back(#[case] statuses: &[&str], #[case] says: &str) {
        let error = deployed(&history(statuses)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
