//! Terraform itself, which only its maker gives away: it is found, never installed.
//!
//! Must never take another version: what it plans and how it locks is part of what the tests show.

use anyhow::bail;
use serde::Deserialize;
use xshell::cmd;

use crate::process;
use crate::workspace::Workspace;

/// Whether Terraform of this version is in the `PATH`.
pub(super) fn is_there(workspace: &Workspace, version: &str) -> anyhow::Result<bool> {
    Ok(process::is_in_path("terraform") && found(workspace)? == version)
}

/// Says what would be right.
pub(super) fn install(workspace: &Workspace, version: &str) -> anyhow::Result<()> {
    let there = if process::is_in_path("terraform") {
        format!("terraform {} is in the PATH", found(workspace)?)
    } else {
        "no terraform is in the PATH".to_owned()
    };
    bail!("{there}; put {version} there: https://developer.hashicorp.com/terraform/install")
}

fn found(workspace: &Workspace) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Version {
        terraform_version: String,
    }
    let shell = workspace.shell()?;
    let told = cmd!(shell, "terraform version -json")
        .env("CHECKPOINT_DISABLE", "1")
        .quiet()
        .ignore_stderr()
        .read()?;
    Ok(serde_json::from_str::<Version>(&told)?.terraform_version)
}
