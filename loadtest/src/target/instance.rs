//! One instance of the service: its process, from its start to its end. Must never pass the settings of the caller's
//! environment on to it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::balancer::Addresses;
use super::cores::Apart;
use super::started::StartError;
use crate::machine::PROFILE;

/// How often it is looked for.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// How each instance of a service is started.
#[derive(Debug)]
pub(super) struct Launch {
    /// Which program of the service's package, in cargo's words.
    pub(super) program: Vec<&'static str>,
    /// What it is told.
    pub(super) settings: Vec<String>,
    /// Each of its answers takes so much longer.
    pub(super) answers_take: Option<Duration>,
    /// Where what it writes goes.
    pub(super) folder: PathBuf,
}

/// An instance that is ready.
#[derive(Debug)]
pub(super) struct Instance {
    process: Process,
    folder: TempDir,
    pub(super) ready: Ready,
}

/// Killed when its owner lets go of it.
#[derive(Debug)]
struct Process(Child);

/// What the service writes once it is ready.
#[derive(Debug, Deserialize)]
pub(super) struct Ready {
    pub(super) api: SocketAddr,
    pub(super) admin: SocketAddr,
    /// Empty where an issuer has them.
    #[serde(default)]
    pub(super) token: String,
}

impl Ready {
    pub(super) const fn addresses(&self) -> Addresses {
        Addresses { api: self.api, admin: self.admin }
    }
}

impl Launch {
    /// Builds the program, with all cores.
    pub(super) fn build(&self) -> Result<(), StartError> {
        printed(&mut cargo("build", &self.program)).map(drop)
    }

    /// Starts one on the service's core and waits until it is ready.
    pub(super) fn start(&self, apart: &Apart) -> Result<Instance, StartError> {
        let folder = TempDir::new_in(&self.folder)?;
        let ready_file = folder.path().join("ready.json");
        let mut command = cargo("run", &self.program);
        command
            .arg("--")
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(&self.settings)
            .arg("--ready-file")
            .arg(&ready_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(stderr(&folder))?);
        let mut process = Process(apart.start(|| command.spawn())?);
        let ready = process.ready(&ready_file, &folder)?;
        if let Some(answers_take) = self.answers_take {
            slow_down(ready.admin, answers_take)?;
        }
        Ok(Instance { process, folder, ready })
    }
}

impl Instance {
    pub(super) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Asks it to end, and waits until it has: it bounds that by itself.
    pub(super) fn end(mut self) -> Result<(), StartError> {
        kill_process(Pid::from_child(&self.process.0), Signal::TERM).map_err(std::io::Error::from)?;
        let status = self.process.0.wait()?;
        if status.success() { Ok(()) } else { Err(ended(status, &self.folder)) }
    }
}

impl Process {
    /// Waits for what it writes into the file.
    fn ready(&mut self, file: &Path, folder: &TempDir) -> Result<Ready, StartError> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Err(ended(status, folder));
            }
            // Half a file is not JSON: the next look finds the whole one.
            if let Ok(ready) = serde_json::from_slice(&fs::read(file).unwrap_or_default()) {
                return Ok(ready);
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn stderr(folder: &TempDir) -> PathBuf {
    folder.path().join("stderr")
}

fn ended(status: std::process::ExitStatus, folder: &TempDir) -> StartError {
    StartError::Ended { status, said: fs::read_to_string(stderr(folder)).unwrap_or_default() }
}

/// Asks a build that does faults to take longer for each answer.
fn slow_down(admin: SocketAddr, by: Duration) -> Result<(), ureq::Error> {
    let fault = json!({"slow": 1, "slow_seconds": by.as_secs_f64()});
    ureq::put(format!("http://{admin}/fault"))
        .header("content-type", "application/json")
        .send(fault.to_string())
        .map(drop)
}

/// A program of the service's package, by cargo: the service, if no other is named. What is run takes cargo's place, so
/// that its child is the program.
pub(super) fn cargo(what: &str, program: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("INFERENCE_") {
            command.env_remove(name);
        }
    }
    command
        .arg(what)
        .args(["--quiet", "--profile", PROFILE, "--locked", "--package", "inference"])
        .args(program);
    command
}

/// What a command prints.
pub(super) fn printed(command: &mut Command) -> Result<String, StartError> {
    let output = command.output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(StartError::Ended { status: output.status, said })
    }
}
