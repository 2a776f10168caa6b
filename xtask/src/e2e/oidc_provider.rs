//! A real OpenID provider as a process: publishes keys, gives tokens, changes its keys, goes away and comes back.
//!
//! It is killed when its owner lets go of it. Must never know what its tokens are used for: the test does.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::workspace::Workspace;
use crate::{keep_alive, process, wait};

/// Node.js takes half a second to start; a busy machine gets the rest.
const LIMIT: Duration = Duration::from_secs(20);

/// What `provider.mjs` lets its only client ask for, as RFC 6749 §4.4.2 and RFC 8707 §2.2 write it.
const ASK: &str = "grant_type=client_credentials&client_id=airport\
    &client_secret=not+a+secret%3A+it+is+for+a+test+on+loopback\
    &resource=https%3A%2F%2Finference.puntual.example";

/// Where the provider is, whether it runs or not, and what it remembers of its keys.
#[derive(Debug)]
pub(super) struct Place {
    program: PathBuf,
    folder: TempDir,
    address: SocketAddr,
}

/// The provider while it runs.
#[derive(Debug)]
pub(super) struct OidcProvider<'a> {
    place: &'a Place,
    child: Child,
    loads: usize,
}

impl Place {
    /// A port that nobody listens on now.
    pub(super) fn find(workspace: &Workspace) -> anyhow::Result<Self> {
        Ok(Self {
            program: workspace.tools().join("oidc-provider").join("provider.mjs"),
            folder: tempfile::tempdir()?,
            address: process::free_address()?,
        })
    }

    /// The `iss` of its tokens.
    pub(super) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where its keys are published.
    pub(super) fn jwks(&self) -> String {
        format!("http://{}/jwks", self.address)
    }

    /// Starts it with keys of these names, of which the first one signs. A name stands for the same key for ever.
    pub(super) fn start(&self, keys: &[&str]) -> anyhow::Result<OidcProvider<'_>> {
        self.name_keys(keys)?;
        let child = Command::new("node")
            .arg(&self.program)
            .arg(self.folder.path())
            .arg(self.address.port().to_string())
            .stdin(Stdio::null())
            .stdout(File::create(self.folder.path().join("stdout"))?)
            .stderr(File::create(self.folder.path().join("stderr"))?)
            .spawn()
            .context("cannot start Node.js")?;
        let mut provider = OidcProvider { place: self, child, loads: 0 };
        provider.wait_for_keys()?;
        Ok(provider)
    }

    fn name_keys(&self, keys: &[&str]) -> anyhow::Result<()> {
        Ok(std::fs::write(self.folder.path().join("keys.json"), serde_json::to_vec(keys)?)?)
    }
}

impl OidcProvider<'_> {
    /// Publishes keys of these names from now on, of which the first one signs.
    pub(super) fn publish(&mut self, keys: &[&str]) -> anyhow::Result<()> {
        self.place.name_keys(keys)?;
        kill_process(Pid::from_child(&self.child), Signal::HUP).context("cannot send SIGHUP")?;
        self.wait_for_keys()
    }

    /// A new access token, by client credentials.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
        }
        let answer = keep_alive::post_form(self.place.address, "/token", ASK)?;
        ensure!(answer.status == 200, "no token: {answer:?}");
        Ok(serde_json::from_str::<Granted>(&answer.body)?.access_token)
    }

    /// It says so once more each time that it has taken its keys into use.
    fn wait_for_keys(&mut self) -> anyhow::Result<()> {
        self.loads += 1;
        let text = |name| std::fs::read_to_string(self.place.folder.path().join(name));
        wait::until("the provider's keys", LIMIT, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the provider ended: {status}\n{}", text("stderr")?);
            }
            let loads = text("stdout")?.lines().filter(|line| line.starts_with("keys ")).count();
            Ok((loads >= self.loads).then_some(()))
        })
    }
}

impl Drop for OidcProvider<'_> {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
