//! One process of the stack: started with its output in a file, ready or not, killed when its owner lets go of it.
//!
//! Must never know what the process is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// Far beyond what any start takes, on a machine that builds something else as well.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a process that was told to stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The process.
#[derive(Debug)]
pub(crate) struct Part {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Part {
    /// Starts the command; `folder` gets what it writes, as `NAME.log`.
    pub(crate) fn start(name: &'static str, mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).context(name)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}: {}", command.get_program().display()))?;
        Ok(Self { name, child, log })
    }

    /// Waits until `is_ready` says so.
    ///
    /// # Errors
    /// When it has ended instead, with what it wrote.
    pub(crate) fn ready(
        &mut self,
        mut is_ready: impl FnMut(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        wait::until(&format!("{} to be ready", self.name), START_LIMIT, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at its start: {status}\n{}", self.name, self.written()?);
            }
            Ok(is_ready(self)?.then_some(()))
        })
        .with_context(|| self.written().unwrap_or_default())
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub(crate) fn written(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.log).with_context(|| self.log.display().to_string())
    }

    /// Sends it a signal and returns at once.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), signal)
            .with_context(|| format!("cannot send {signal:?} to {}", self.name))
    }

    /// Tells it to end and waits until it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        wait::until(&format!("{} to end", self.name), STOP_LIMIT, || Ok(self.child.try_wait()?)).map(drop)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
