//! MiniStack as a process: an AWS on loopback that remembers what it is told until it ends.
//!
//! It is killed when its owner lets go of it. Must never be reached from anywhere else.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use super::estate::Estate;
use crate::workspace::Workspace;
use crate::{keep_alive, process, wait};

/// Python takes seconds to load it; a busy machine gets the rest.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The running emulator.
#[derive(Debug)]
pub(super) struct Emulator {
    child: Child,
    /// Its log, and what it would otherwise leave in the machine's own folder.
    folder: TempDir,
    address: SocketAddr,
}

impl Emulator {
    pub(super) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()?));
        let log = File::create(folder.path().join("log"))?;
        let child = Command::new(workspace.python())
            .args(["-B", process::text(&workspace.path("infra/tests/emulator.py"))?])
            .env("BIND_HOST", address.ip().to_string())
            .env("GATEWAY_PORT", address.port().to_string())
            // The other ports that it would open.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("TMPDIR", folder.path())
            .env("AWS_ACCESS_KEY_ID", "test")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start MiniStack")?;
        let mut emulator = Self { child, folder, address };
        wait::until("MiniStack to answer", START_LIMIT, || {
            if let Some(status) = emulator.child.try_wait()? {
                bail!("MiniStack ended at its start: {status}\n{}", emulator.log()?);
            }
            Ok(keep_alive::get(address, "/_ministack/health").ok().filter(|answer| answer.status == 200))
        })?;
        Ok(emulator)
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

    fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("log"))?)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
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
