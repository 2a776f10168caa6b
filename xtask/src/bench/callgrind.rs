//! Counting the instructions of the service with callgrind, which depend little on what else the machine does.
//!
//! What the processor has for one purpose alone, such as for hashes, is not there under callgrind: what uses it counts
//! more than it costs.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::service::Service;

/// Instructions of a whole life of the service in which it is given this `work`. Start and end are in it: what is asked
/// about is the difference of two lives.
pub(super) fn instructions(
    binary: &Path,
    options: &[&str],
    work: impl FnOnce(&Service) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", out.display()));
    // One thread that serves: which of several takes a request is chance.
    command.arg(binary).env("TOKIO_WORKER_THREADS", "1");
    let service = Service::start_command(command, options)?;
    work(&service)?;
    service.stop()?;
    let counts = std::fs::read_to_string(&out).context("callgrind wrote nothing")?;
    counts
        .lines()
        .find_map(|line| line.strip_prefix("summary:").or_else(|| line.strip_prefix("totals:")))
        .context("callgrind's file has no summary")?
        .trim()
        .parse()
        .context("callgrind's summary is not a number")
}
