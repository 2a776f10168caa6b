//! Where and of what a run was made: what has to be the same before two results are compared. Must never hold anything
//! that names the machine's owner.

use std::fs;
use std::process::Command;

use procfs::CpuInfo;
use procfs::Current as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the harness was built with. A service that it starts is built with the same, so that a result names one.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// Where the kernel says which it is.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// Where and of what a run was made. What can't be found out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The commit of the working copy in which it ran, with `-dirty` where files other than results were changed; of an
    /// image, the one that it was built from.
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
    /// This one, now. `commit` is that of the build, where nobody has a working copy.
    #[must_use]
    pub fn look(commit: Option<&str>) -> Self {
        let cpu = CpuInfo::current().ok().and_then(|cpus| cpus.model_name(0).map(str::to_owned));
        Self {
            commit: commit.map_or_else(described, str::to_owned),
            build_profile: PROFILE.to_owned(),
            cpu: cpu.unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: fs::read_to_string(RELEASE).unwrap_or_default().trim().to_owned(),
        }
    }
}

/// The working copy's commit, and whether files were changed since. Results don't count: whoever runs several scenarios
/// writes over those that are committed.
fn described() -> String {
    let git = |arguments: &[&str]| Command::new("git").args(arguments).output();
    let commit = git(&["describe", "--always"]);
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let same = git(&["diff", "--quiet", "HEAD", "--", ":/", ":(top,exclude)*/results/*.json"]);
    let is_changed = same.is_ok_and(|output| output.status.code() == Some(1));
    commit.unwrap_or_default() + if is_changed { "-dirty" } else { "" }
}
