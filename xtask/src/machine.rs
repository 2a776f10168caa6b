//! On what a benchmark ran: without it a figure means nothing.

use std::fs;

use serde::Serialize;
use xshell::cmd;

use crate::workspace::Workspace;

/// The machine, the code and the day.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    date: String,
    commit: String,
    cpu: String,
    cores: usize,
    kernel: String,
    rustc: String,
}

impl Machine {
    /// Reads what this machine says of itself; what it does not say is an empty text.
    pub(crate) fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        Ok(Self {
            date: cmd!(shell, "date --utc +%Y-%m-%d").read()?,
            commit: cmd!(shell, "git describe --always --dirty").read()?,
            cpu: cpu.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: cmd!(shell, "uname --kernel-release").read()?,
            rustc: cmd!(shell, "rustc --version").read()?,
        })
    }
}
