//! What is asked: a service that is there, or one that is started here and ends with the run. Must never pass the
//! caller's environment on to a service that it starts, except what cargo needs.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::payload::Route;

/// Whom to ask, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// Such as `http://127.0.0.1:8080`.
    url: String,
    token: Option<String>,
}

/// A service that was started here; killed when its owner lets go of it.
#[derive(Debug)]
pub struct Started {
    child: Child,
    _folder: TempDir,
    target: Target,
}

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
}

/// What the service writes once it is ready.
#[derive(Deserialize)]
struct Ready {
    api: std::net::SocketAddr,
    token: String,
}

impl Target {
    /// At that address, with that token if there is one.
    #[must_use]
    pub fn new(url: &str, token: Option<&str>) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), token: token.map(|token| token.trim().to_owned()) }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same without credentials.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        Self { token: None, ..self }
    }

    /// Whether there is something to prove who asks.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    pub(crate) fn of(&self, route: Route) -> String {
        self.url.clone() + &route.path()
    }

    pub(crate) fn authorization(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }
}

impl Started {
    /// Builds the service, starts it on loopback and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not build or ends.
    pub fn start() -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let (ready, stderr) = (folder.path().join("ready.json"), folder.path().join("stderr"));
        // cargo becomes what it has built, so that this child is the service.
        let mut child = Command::new("cargo")
            .args(["run", "--quiet", "--release", "--locked", "--package", "inference", "--"])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--drain-grace", "0s"])
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&stderr)?)
            .spawn()?;
        let look = |child: &mut Child| -> Result<Ready, StartError> {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Err(StartError::Ended { status, said: fs::read_to_string(&stderr)? });
                }
                if let Some(ready) = written(&ready) {
                    return Ok(ready);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        let target = look(&mut child)
            .map(|ready| Target::new(&format!("http://{}", ready.api), Some(&ready.token)))
            .inspect_err(|_error| drop(child.kill()))?;
        Ok(Self { child, _folder: folder, target })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The ready file's content, once it is whole.
fn written(file: &Path) -> Option<Ready> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}
