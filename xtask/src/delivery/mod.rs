//! `cargo xtask deploy` and `cargo xtask rollback`: a version goes into a cluster by its digest, as a canary first that its
//! own objectives judge, and what is not good goes back by itself.
//!
//! What leads there are tasks of their own: `image` builds it, `publish` and `promote` bring it into registries, `plan` and
//! `apply` make the environment's cloud what is written.
//!
//! What is decided stands in `rollout.rs` and `watch.rs`, which run nothing; the others run programs and decide nothing.
//! Must never deliver by a tag, and never take an answer that is missing for a good one.

mod archive;
mod comment;
mod estate;
#[cfg(test)]
mod fixture;
mod gate;
mod image;
mod load;
mod registry;
mod release;
mod rollout;
#[cfg(test)]
mod tests;
mod tunnel;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

pub(crate) use self::archive::{ImageOptions, image};
pub(crate) use self::estate::{ApplyOptions, PlanOptions, apply, plan};
use self::gate::{Delivers, Gate};
pub(crate) use self::image::ImageByDigest;
use self::load::FrontDoor;
pub(crate) use self::registry::{PromoteOptions, PublishOptions, promote, publish};
use self::release::{Release, Rollout};
use self::rollout::Ended;
use self::tunnel::Tunnel;
use self::watch::Watch;
use crate::workspace::Workspace;

/// What to deliver, and who judges it.
#[derive(Debug, Args)]
pub(crate) struct DeployOptions {
    /// The image, as REPOSITORY@sha256:DIGEST
    #[arg(long, value_name = "IMAGE", value_parser = ImageByDigest::parse)]
    image: ImageByDigest,
    #[command(flatten)]
    target: Target,
    /// Prometheus that knows the budgets and the canary's series; with --environment, that of the environment
    #[arg(long, value_name = "URL", required_unless_present = "environment")]
    prometheus: Option<String>,
    /// What is delivered: while little budget is left, only a fix may go
    #[arg(long, value_enum, default_value_t = Delivers::Feature)]
    delivers: Delivers,
    /// How long the canary is watched before it is promoted
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = humantime::parse_duration)]
    watch: Duration,
    /// The command that sends load through the front door meanwhile; that it fails is a reason to go back. With
    /// --environment it finds door and token in LOADTEST_TARGET and LOADTEST_TOKEN_FILE
    #[arg(last = true, value_name = "COMMAND")]
    load: Vec<String>,
}

impl DeployOptions {
    /// Where load is sent, if there is any and it goes to an environment.
    fn front_door(&self, workspace: &Workspace) -> anyhow::Result<Option<FrontDoor>> {
        match (&self.target.environment, &self.target.aws_region) {
            (Some(environment), Some(region)) if !self.load.is_empty() => {
                FrontDoor::of(workspace, environment, region).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Which version to go back to.
#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    /// The image, as REPOSITORY@sha256:DIGEST; without it, the stable version stays and a canary goes
    #[arg(long, value_name = "IMAGE", value_parser = ImageByDigest::parse)]
    image: Option<ImageByDigest>,
    #[command(flatten)]
    target: Target,
}

/// Which cluster.
#[derive(Debug, Args)]
struct Target {
    /// An environment of the cloud, reached through its tunnel; it takes only what --signed-by signed
    #[arg(long, value_name = "NAME", conflicts_with = "kubeconfig", requires_all = ["signed_by", "aws_region"])]
    environment: Option<String>,
    /// The repository whose image workflow has to have signed the image
    #[arg(long, env = "GITHUB_REPOSITORY", value_name = "OWNER/NAME")]
    signed_by: Option<String>,
    /// The environment's region
    #[arg(long, env, value_name = "REGION")]
    aws_region: Option<String>,
    /// How to reach another cluster; without it, as kubectl does
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How long pods may take to get ready, one after the other and each with its drain
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = humantime::parse_duration)]
    ready_within: Duration,
}

impl Target {
    /// Opens the way to the environment, if it is one of the cloud, for an image that may go there.
    fn open(&self, workspace: &Workspace, image: Option<&ImageByDigest>) -> anyhow::Result<Option<Tunnel>> {
        let (Some(environment), Some(repository), Some(region)) =
            (&self.environment, &self.signed_by, &self.aws_region)
        else {
            return Ok(None);
        };
        if let Some(image) = image {
            registry::verify(&workspace.shell()?, image, repository, region)?;
        }
        Tunnel::open(workspace, environment, region).map(Some)
    }

    fn release(&self, workspace: &Workspace, tunnel: Option<&Tunnel>) -> anyhow::Result<Release> {
        let kubeconfig = tunnel.map(Tunnel::kubeconfig).or_else(|| self.kubeconfig.clone());
        Release::find(workspace, kubeconfig.as_deref(), self.ready_within)
    }
}

/// How often the gate is asked: two scrapes and an evaluation apart.
const EVERY: Duration = Duration::from_secs(30);

/// Exit codes: 0 it is delivered, 1 it is not and everything is as before, 2 somebody has to look.
pub(crate) fn deploy(workspace: &Workspace, options: &DeployOptions) -> anyhow::Result<ExitCode> {
    let tunnel = options.target.open(workspace, Some(&options.image))?;
    let release = options.target.release(workspace, tunnel.as_ref())?;
    let prometheus = options.prometheus.clone().or_else(|| tunnel.as_ref().map(Tunnel::prometheus));
    let prometheus = prometheus.context("nobody says where Prometheus is; --prometheus URL")?;
    let gate = Gate { workspace, prometheus: &prometheus, delivers: options.delivers };
    let watch = Watch { lasts: options.watch, every: EVERY };
    let door = options.front_door(workspace)?;
    let mut rollout = Rollout { release, image: &options.image, gate, watch, load: &options.load, door };
    let ended = rollout::roll_out(&mut rollout);
    println!("{ended}");
    Ok(match ended {
        Ended::Promoted => ExitCode::SUCCESS,
        Ended::Refused(_) | Ended::RolledBack(_) => ExitCode::FAILURE,
        Ended::Stuck { .. } => ExitCode::from(2),
    })
}

/// Makes the image the only version, without asking anybody: who goes back has seen enough.
pub(crate) fn rollback(workspace: &Workspace, options: &RollbackOptions) -> anyhow::Result<()> {
    let RollbackOptions { image, target } = options;
    let tunnel = target.open(workspace, image.as_ref())?;
    let release = target.release(workspace, tunnel.as_ref())?;
    if let Some(image) = image {
        release.make_stable(image).with_context(|| format!("{image} did not get ready"))?;
        println!("{image} is the only version");
    } else {
        release.end_canary()?;
        println!("the stable version is the only one");
    }
    Ok(())
}
