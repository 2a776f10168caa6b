//! MiniStack as a process: an AWS on loopback that remembers what it is told until it ends.
//!
//! It is killed when its owner lets go of it. Must never be reached from anywhere else.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use super::estate::Estate;
use crate::stack::Part;
use crate::workspace::Workspace;
use crate::{keep_alive, process};

/// The running emulator.
#[derive(Debug)]
pub(super) struct Emulator {
    _part: Part,
    /// Its log, and what it would otherwise leave in the machine's own folder.
    _folder: TempDir,
    address: SocketAddr,
}

impl Emulator {
    pub(super) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = process::free_address()?;
        let mut command = Command::new(workspace.python());
        command
            .args(["-B", process::text(&workspace.path("infra/tests/emulator.py"))?])
            .env("BIND_HOST", address.ip().to_string())
            .env("GATEWAY_PORT", address.port().to_string())
            // The other ports that it would open.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("TMPDIR", folder.path())
            .env("AWS_ACCESS_KEY_ID", "test");
        let mut part = Part::start("MiniStack", command, folder.path())?;
        let is_well = |_: &Part| {
            Ok(keep_alive::get(address, "/_ministack/health").is_ok_and(|answer| answer.status == 200))
        };
        part.ready(is_well)?;
        Ok(Self { _part: part, _folder: folder, address })
    }

    /// What clients are told: `AWS_ENDPOINT_URL`.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs files of infra/tests against it, and says how many tests passed.
    pub(super) fn asserts(
        &self,
        workspace: &Workspace,
        estate: &Estate,
        files: &[&str],
    ) -> anyhow::Result<usize> {
        let output = Command::new(workspace.python())
            .args(["-B", "-m", "pytest", "--quiet", "--tb=short", "-p", "no:cacheprovider"])
            .args(files)
            .current_dir(estate.path("infra/tests"))
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::null())
            .output()
            .context("cannot start pytest")?;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        passed(&told).with_context(|| format!("pytest does not say how many tests passed:\n{told}"))
    }
}

/// The number in pytest's last line, `82 passed in 5.38s`, where nothing else is in it.
fn passed(told: &str) -> Option<usize> {
    let (number, rest) = told.lines().next_back()?.split_once(' ')?;
    rest.starts_with("passed in ").then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("....\n82 passed in 5.38s\n", Some(82))]
    #[case("..s\n81 passed, 1 skipped in 5.38s\n", None)]
    #[case("no tests ran in 0.01s\n", None)]
    #[case("", None)]
    fn only_a_run_of_which_all_passed_has_a_number(#[case] told: &str, #[case] expected: Option<usize>) {
        assert_eq!(passed(told), expected);
    }
}
