//! The service as a process: start it, learn where it listens, look at it from outside, stop it.
//!
//! The only place that starts the service. It is killed when its owner lets go of it, whatever happened. Must never
//! know what the service answers: that is what the tests are about.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::wait;

/// Far beyond what any start takes; reached only when the service hangs.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Beyond the longest grace and finish times that a test sets.
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// What the service writes to `--ready-file` once it is ready.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Ready {
    /// The API listener.
    pub(crate) api: SocketAddr,
    /// The admin listener.
    pub(crate) admin: SocketAddr,
    /// A bearer token that works; empty in production mode, in which the issuer has them.
    #[serde(default)]
    pub(crate) token: String,
}

/// A running service, on ports of its own choice.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    folder: TempDir,
    ready: Ready,
}

/// What is left of a service that has stopped.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// How the process ended.
    pub(crate) status: ExitStatus,
    /// Everything that it wrote: the banner and the log.
    pub(crate) output: Output,
}

/// What the service wrote.
#[derive(Debug)]
pub(crate) struct Output {
    /// Standard output: the banner.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Service {
    /// Starts the binary and waits until it is ready. `options` are added to the command line; settings that only make
    /// tests slow have other defaults here (no grace at the end), and the caller's environment is not passed on.
    pub(crate) fn start(binary: &Path, options: &[&str]) -> anyhow::Result<Self> {
        Self::start_command(Command::new(binary), options)
    }

    /// The same with a command that runs the binary, under a tool that watches it. The tool must be the process that
    /// gets the signals.
    pub(crate) fn start_command(mut command: Command, options: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let ready_file = folder.path().join("ready.json");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("INFERENCE_") {
                command.env_remove(name);
            }
        }
        // The environment, because an option may then be given again among `options`.
        command.env("INFERENCE_LISTEN", "127.0.0.1:0");
        command.env("INFERENCE_ADMIN_LISTEN", "127.0.0.1:0");
        command.env("INFERENCE_DRAIN_GRACE", "0s");
        let child = command
            .arg("--ready-file")
            .arg(&ready_file)
            .args(options)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout"))?)
            .stderr(File::create(folder.path().join("stderr"))?)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut starting = Self { child, folder, ready: Ready::nowhere() };
        starting.ready = wait::until("the service to be ready", START_LIMIT, || starting.look(&ready_file))?;
        Ok(starting)
    }

    /// The ready file's content, once it is there; an error when the service has ended instead.
    fn look(&mut self, ready_file: &Path) -> anyhow::Result<Option<Ready>> {
        if let Some(status) = self.child.try_wait()? {
            let Output { stdout, stderr } = self.output()?;
            bail!("the service ended at its start: {status}\n{stdout}{stderr}");
        }
        // Half a file is not JSON: the next look finds the whole one.
        Ok(fs::read(ready_file).ok().and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// Where it listens, and a token.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// A URL of the API listener.
    pub(crate) fn api(&self, path: &str) -> String {
        format!("http://{}{path}", self.ready.api)
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub(crate) fn output(&self) -> anyhow::Result<Output> {
        let text = |name| fs::read_to_string(self.folder.path().join(name)).context(name);
        Ok(Output { stdout: text("stdout")?, stderr: text("stderr")? })
    }

    /// Memory that is resident now, in KiB.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that was ever resident, in KiB.
    pub(crate) fn most_resident_kib(&self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> anyhow::Result<u64> {
        status_number(&fs::read_to_string(format!("/proc/{}/status", self.child.id()))?, name)
    }

    /// Does the `work`: what came of it, and the processor time that the service used meanwhile, in nanoseconds.
    pub(crate) fn processor_ns_of<T>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, u64)> {
        let before = self.processor_ns()?;
        let done = work()?;
        Ok((done, self.processor_ns()?.saturating_sub(before)))
    }

    /// Processor time that its threads have used so far, in nanoseconds; those that have ended are not counted.
    fn processor_ns(&self) -> anyhow::Result<u64> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        tasks
            .map(|task| {
                let used = fs::read_to_string(task?.path().join("schedstat"))?;
                Ok(used.split(' ').next().context("an empty schedstat")?.parse::<u64>()?)
            })
            .sum()
    }

    /// Sends a signal and returns at once.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), signal).with_context(|| format!("cannot send {signal:?}"))
    }

    /// Waits for the end of a service that was told to stop, or that stops by itself.
    pub(crate) fn wait(mut self) -> anyhow::Result<Stopped> {
        let status = wait::until("the service to stop", STOP_LIMIT, || Ok(self.child.try_wait()?))?;
        Ok(Stopped { status, output: self.output()? })
    }

    /// Stops it as the platform does, by SIGTERM, and asks for exit code 0.
    pub(crate) fn stop(self) -> anyhow::Result<Output> {
        self.signal(Signal::TERM)?;
        let Stopped { status, output } = self.wait()?;
        if !status.success() {
            bail!("the service ended with {status} after SIGTERM\n{}{}", output.stdout, output.stderr);
        }
        Ok(output)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Ready {
    /// Before the service has said where it is.
    const fn nowhere() -> Self {
        let none = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
        Self { api: none, admin: none, token: String::new() }
    }
}

/// A number of a `/proc/PID/status` page, by the name with its colon.
pub(crate) fn status_number(status: &str, name: &str) -> anyhow::Result<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("no {name} in /proc/PID/status"))?
        .parse()
        .with_context(|| format!("{name} is not a number"))
}

/// The command that the banner offers to paste: from the line that begins with `curl` to the first that does not go on.
pub(crate) fn printed_curl(banner: &str) -> anyhow::Result<String> {
    let mut command = String::new();
    for line in banner.lines().skip_while(|line| !line.trim_start().starts_with("curl")) {
        command.push_str(line);
        command.push('\n');
        if !line.trim_end().ends_with('\\') {
            return Ok(command);
        }
    }
    bail!("the banner holds no whole curl command:\n{banner}")
}

#[cfg(test)]
mod tests {
    use super::printed_curl;

    #[test]
    fn the_printed_command_ends_with_its_last_line() {
        let banner = "ready\n\n  curl -s \\\n    -d '{}' \\\n    http://127.0.0.1:1\n\nthen this\n";
        assert_eq!(printed_curl(banner).unwrap(), "  curl -s \\\n    -d '{}' \\\n    http://127.0.0.1:1\n");
    }

    #[test]
    fn a_banner_without_a_command_is_an_error() {
        assert!(printed_curl("ready\ncurl half \\\n").is_err());
    }
}
