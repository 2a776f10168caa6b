//! The service and the load test as `cargo run` has them, and keys, certificates and tokens by its own commands: what attacks are tried and
//! costs are measured with. Must never be what is measured: it is not optimised.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::golden;
use crate::process;
use crate::service::Service;
use crate::workspace::Workspace;

/// The binary, and a folder for what it makes.
#[derive(Debug)]
pub(crate) struct Development {
    shell: Shell,
    binary: PathBuf,
    folder: TempDir,
    /// A body that is answered.
    pub(crate) body: String,
}

/// Builds the load test as `cargo run` has it, and returns where it is; quick when nothing changed.
pub(crate) fn load_test(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let shell = workspace.shell()?;
    cmd!(shell, "cargo build --quiet --locked --package loadtest").run()?;
    Ok(workspace.path("target/debug/loadtest"))
}

impl Development {
    /// Builds the service; quick when nothing changed.
    pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<Self> {
        Self::with_features(workspace, &[])
    }

    /// The same with features that no other build has.
    pub(crate) fn with_features(workspace: &Workspace, features: &[&str]) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let features = features.join(",");
        cmd!(shell, "cargo build --quiet --locked --package inference --features={features}").run()?;
        let binary = workspace.path("target/debug/inference");
        let golden = golden::load(workspace)?;
        let body = golden.first().context("no golden row")?.body.clone();
        Ok(Self { shell, binary, folder: tempfile::tempdir()?, body })
    }

    /// The program.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// Starts it.
    pub(crate) fn start(&self, options: &[&str]) -> anyhow::Result<Service> {
        Service::start(&self.binary, options)
    }

    /// The path of what is called so in the folder.
    pub(crate) fn file(&self, name: &str) -> anyhow::Result<String> {
        Ok(process::text(&self.folder.path().join(name))?.to_owned())
    }

    /// Writes a file of the folder and gives its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> anyhow::Result<String> {
        let file = self.file(name)?;
        std::fs::write(&file, content)?;
        Ok(file)
    }

    /// Makes `NAME.key.pem` and `NAME.pub.pem`, or for HS256 `NAME.secret`.
    pub(crate) fn make_key(&self, algorithm: &str, name: &str) -> anyhow::Result<()> {
        let (binary, folder) = (&self.binary, self.folder.path());
        cmd!(self.shell, "{binary} keys signing {folder} --algorithm {algorithm} --name {name}")
            .quiet()
            .ignore_stdout()
            .run()?;
        Ok(())
    }

    /// Makes `ca.pem`, `server.pem`, `client.pem` with their keys, and `crl.pem`.
    pub(crate) fn make_certificates(&self) -> anyhow::Result<()> {
        let (binary, folder) = (&self.binary, self.folder.path());
        Ok(cmd!(self.shell, "{binary} keys ca {folder}").quiet().ignore_stdout().run()?)
    }

    /// A JWK Set of these keys.
    pub(crate) fn jwks(&self, keys: &[&str]) -> anyhow::Result<String> {
        let (binary, folder) = (&self.binary, self.folder.path());
        let files: Vec<_> = keys.iter().map(|key| folder.join(format!("{key}.pub.pem"))).collect();
        Ok(cmd!(self.shell, "{binary} keys jwks {files...}").quiet().read()?)
    }

    /// A token signed with the key in this file, right apart from what `options` change.
    pub(crate) fn token(&self, key: &str, options: &[&str]) -> anyhow::Result<String> {
        let (binary, key) = (&self.binary, self.folder.path().join(key));
        Ok(cmd!(self.shell, "{binary} token --key {key} {options...}").quiet().read()?)
    }
}
