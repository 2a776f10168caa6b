//! A service that is started for a run and ends with it. Owns its process. Must never pass the settings of the caller's
//! environment on to it.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::cores::Apart;
use super::proof::Made;
use super::{Lacking, Target};
use crate::machine::PROFILE;
use crate::scenario::{Credentials, Service};

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// A service that was started here; it ends when its owner lets go of it.
#[derive(Debug)]
pub struct Started {
    _process: Process,
    _apart: Apart,
    _folder: TempDir,
    target: Target,
}

/// Killed when its owner lets go of it.
#[derive(Debug)]
struct Process(Child);

/// A service that does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or a process.
    #[error("the service can't be started: {0}")]
    System(#[from] io::Error),
    /// One that ended.
    #[error("the service ended at its start with {status}:\n{said}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// What it wrote.
        said: String,
    },
    /// One that does not take longer for its answers.
    #[error("the service that was started was asked to take longer for its answers: {0}")]
    NotSlow(#[from] ureq::Error),
    /// One that said nothing of what it has to be shown.
    #[error("the service that was started: {0}")]
    Lacking(#[from] Lacking),
}

/// What the service writes once it is ready.
#[derive(Deserialize)]
struct Ready {
    api: SocketAddr,
    admin: SocketAddr,
    /// Empty where an issuer has them.
    #[serde(default)]
    token: String,
}

impl Started {
    /// Builds the service, starts it on loopback so that it accepts these credentials, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not build or ends.
    pub fn start(credentials: Credentials, service: &Service) -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let Made { is_open, settings, mut proof } = Made::for_credentials(credentials, folder.path())?;
        let (ready, stderr) = (folder.path().join("ready.json"), folder.path().join("stderr"));
        let mut program: Vec<&str> = if is_open { vec!["--example", "open"] } else { Vec::new() };
        if service.answers_take_ms.is_some() {
            program.extend(["--features", "faults"]);
        }
        // With all cores.
        printed(&mut cargo("build", &program))?;
        let mut command = cargo("run", &program);
        command
            .arg("--")
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--drain-grace", "0s"])
            .args(settings)
            .args(&service.options)
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&stderr)?);
        let (apart, child) = Apart::start(|| command.spawn())?;
        let mut process = Process(child);
        let Ready { api, admin, token } = process.ready(&ready, &stderr)?;
        if let Some(answers_take) = service.answers_take() {
            slow_down(admin, answers_take)?;
        }
        if proof.token.is_none() && !token.is_empty() {
            proof.token = Some(token);
        }
        let scheme = if proof.authorities.is_some() { "https" } else { "http" };
        let mut target = Target::new(&format!("{scheme}://{api}"), credentials, proof)?;
        target.process = Some(process.0.id());
        Ok(Self { _process: process, _apart: apart, _folder: folder, target })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl Process {
    /// Waits for what it writes into the first file; what it says besides is in the second.
    fn ready(&mut self, ready: &Path, stderr: &Path) -> Result<Ready, StartError> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Err(StartError::Ended { status, said: fs::read_to_string(stderr)? });
            }
            // Half a file is not JSON: the next look finds the whole one.
            if let Ok(ready) = serde_json::from_slice(&fs::read(ready).unwrap_or_default()) {
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
