//! Where and of what a run was made: what has to be the same before two results are compared. Must never hold anything
//! that names the machine's owner.

use std::process::Command;

use procfs::CpuInfo;
use procfs::Current as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the harness was built with. A service that it starts is built with the same, so that a result names one.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// Where and of what a run was made. What can't be found out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The commit of the working copy in which it ran, with `-dirty` where files were changed.
    pub commit: String,
    /// The profile that the harness was built with, and the service that it started.
    pub build_profile: String,
    /// The processor's name.
    pub cpu: String,
    /// Processors that it could use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn look() -> Self {
        let cpu = CpuInfo::current().ok().and_then(|cpus| cpus.model_name(0).map(str::to_owned));
        Self {
            commit: printed("git", &["describe", "--always", "--dirty"]),
            build_profile: PROFILE.to_owned(),
            cpu: cpu.unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: printed("uname", &["--kernel-release"]),
        }
    }
}

fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
