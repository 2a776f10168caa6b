//! `cargo xtask deploy` and `cargo xtask rollback`: a version goes into a cluster by its digest, as a canary first that its
//! own objectives judge, and what is not good goes back by itself.
//!
//! `cargo xtask plan` and `apply` are what stands below: the environment's cloud, as Terraform makes it.
//!
//! What is decided stands in `rollout.rs` and `watch.rs`, which run nothing; programs are run by
//! `release.rs`, `gate.rs` and `estate.rs`.
//! Must never deliver by a tag, and never take an answer that is missing for a good one.

mod comment;
mod estate;
#[cfg(test)]
mod fixture;
mod gate;
mod image;
mod release;
mod rollout;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

pub(crate) use self::estate::{ApplyOptions, PlanOptions, apply, plan};
use self::gate::{Delivers, Gate};
use self::image::ImageByDigest;
use self::release::{Release, Rollout};
use self::rollout::Ended;
use self::watch::Watch;
use crate::workspace::Workspace;

/// What to deliver, and who judges it.
#[derive(Debug, Args)]
pub(crate) struct DeployOptions {
    #[command(flatten)]
    target: Target,
    /// Prometheus that knows the budgets and the canary's series
    #[arg(long, value_name = "URL")]
    prometheus: String,
    /// What is delivered: while little budget is left, only a fix may go
    #[arg(long, value_enum, default_value_t = Delivers::Feature)]
    delivers: Delivers,
    /// How long the canary is watched before it is promoted
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = humantime::parse_duration)]
    watch: Duration,
    /// The command that sends load through the front door meanwhile; that it fails is a reason to go back
    #[arg(last = true, value_name = "COMMAND")]
    load: Vec<String>,
}

/// Which version to go back to.
#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    #[command(flatten)]
    target: Target,
}

/// Which image, and into which cluster.
#[derive(Debug, Args)]
struct Target {
    /// The image, as REPOSITORY@sha256:DIGEST
    #[arg(long, value_name = "IMAGE", value_parser = ImageByDigest::parse)]
    image: ImageByDigest,
    /// How to reach the cluster; without it, as kubectl does
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// How often the gate is asked: two scrapes and an evaluation apart.
const EVERY: Duration = Duration::from_secs(30);

/// Exit codes: 0 it is delivered, 1 it is not and everything is as before, 2 somebody has to look.
pub(crate) fn deploy(workspace: &Workspace, options: &DeployOptions) -> anyhow::Result<ExitCode> {
    let Target { image, kubeconfig } = &options.target;
    let release = Release::find(workspace, kubeconfig.as_deref())?;
    let gate = Gate { workspace, prometheus: &options.prometheus, delivers: options.delivers };
    let watch = Watch { lasts: options.watch, every: EVERY };
    let mut rollout = Rollout { release, image, gate, watch, load: &options.load };
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
    let Target { image, kubeconfig } = &options.target;
    let release = Release::find(workspace, kubeconfig.as_deref())?;
    release.make_stable(image).with_context(|| format!("{image} did not get ready"))?;
    println!("{image} is the only version");
    Ok(())
}
