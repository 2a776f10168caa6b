//! A copy of the Terraform roots in a folder of its own, and Terraform told where it is to work.
//!
//! Must never write into the checkout, and never reach an account: each command is told of the emulator and of nothing
//! else.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, bail, ensure};
use ignore::WalkBuilder;
use tempfile::TempDir;

use super::mirror;
use crate::workspace::Workspace;

/// What the roots read: themselves and the rules that a managed Prometheus gets; and what is asked of them.
const PARTS: [&str; 3] = ["infra/terraform", "infra/tests", "observability"];

/// Settings of Terraform that somebody may have in his environment and that would lead elsewhere.
const NOT_OURS: [&str; 8] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "TF_CLI_ARGS",
    "TF_CLI_ARGS_apply",
    "TF_CLI_ARGS_plan",
    "TF_DATA_DIR",
    "TF_LOG",
    "TF_WORKSPACE",
];

/// The copy; removed when dropped.
#[derive(Debug)]
pub(super) struct Estate {
    folder: TempDir,
}

/// Terraform in one folder of the copy.
#[derive(Debug)]
pub(super) struct Terraform {
    folder: PathBuf,
    config: PathBuf,
    endpoint: Option<String>,
}

impl Estate {
    /// Copies what git tracks or would track, so that no state and no plugin of a person's own comes along.
    pub(super) fn copy(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for part in PARTS {
            for entry in WalkBuilder::new(workspace.path(part)).hidden(false).build() {
                let entry = entry.with_context(|| format!("cannot walk {part}"))?;
                let there = folder.path().join(entry.path().strip_prefix(workspace.root())?);
                if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    std::fs::create_dir_all(&there)?;
                } else {
                    std::fs::copy(entry.path(), &there)
                        .with_context(|| format!("cannot copy {}", entry.path().display()))?;
                }
            }
        }
        std::fs::write(folder.path().join(CONFIG), mirror::configuration())?;
        Ok(Self { folder })
    }

    /// A path in the copy, relative to the root.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Terraform that reaches no AWS at all.
    pub(super) fn offline(&self, folder: &str) -> Terraform {
        let config = self.folder.path().join(CONFIG);
        Terraform { folder: self.path(TERRAFORM).join(folder), config, endpoint: None }
    }

    /// Terraform in a root, for the AWS at the address.
    pub(super) fn root(&self, name: &str, endpoint: &str) -> anyhow::Result<Terraform> {
        let root = Terraform { endpoint: Some(endpoint.to_owned()), ..self.offline(name) };
        std::fs::copy(self.path(OVERRIDE), root.file("provider_override.tf"))?;
        Ok(root)
    }
}

const CONFIG: &str = "terraform.rc";
const OVERRIDE: &str = "infra/tests/provider_override.tf";

/// The folder of all roots and modules.
pub(super) const TERRAFORM: &str = "infra/terraform";

impl Terraform {
    /// A file of the root.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs a command, of words without spaces, with settings, and returns what it wrote to its standard output.
    pub(super) fn run(&self, command: &str, settings: &[&str]) -> anyhow::Result<String> {
        let output = self.attempt(command, settings)?;
        ensure!(output.status.success(), "{}", self.told(command, &output));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command that has to fail, and returns what it said.
    pub(super) fn refused(&self, command: &str, settings: &[&str]) -> anyhow::Result<String> {
        let output = self.attempt(command, settings)?;
        if output.status.success() {
            bail!("`terraform {command}` in {} went through", self.folder.display());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }

    /// The value of an output that is text.
    pub(super) fn output(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.run("output -raw", &[name])?.trim().to_owned())
    }

    /// Begins a command whose standard output is read while it runs.
    pub(super) fn begin(&self, command: &str, settings: &[&str]) -> anyhow::Result<Child> {
        let mut command = self.command(command, settings);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("cannot start terraform")
    }

    fn attempt(&self, command: &str, settings: &[&str]) -> anyhow::Result<Output> {
        self.command(command, settings).output().context("cannot start terraform")
    }

    fn command(&self, words: &str, settings: &[&str]) -> Command {
        let nowhere = OsStr::new("/dev/null");
        let mut command = Command::new("terraform");
        command
            .current_dir(&self.folder)
            .args(words.split_whitespace())
            .args(settings)
            .stdin(Stdio::null())
            .env("TF_CLI_CONFIG_FILE", &self.config)
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_CONFIG_FILE", nowhere)
            .env("AWS_SHARED_CREDENTIALS_FILE", nowhere)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        for name in NOT_OURS {
            command.env_remove(name);
        }
        if let Some(endpoint) = &self.endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint);
        }
        command
    }

    /// What a command said, with its last lines: those that tell what is wrong.
    fn told(&self, command: &str, output: &Output) -> String {
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // Of events in JSON those that are errors; of anything else all.
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.starts_with("{\"@level\":\"info\"")).collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        let name = self.folder.file_name().map_or_else(String::new, |name| name.display().to_string());
        format!("`terraform {command}` in {name} ended with {}:\n{last}", output.status)
    }
}

/// Enough for several errors of Terraform.
const LAST_LINES: usize = 60;

/// The folders of roots and modules that hold Terraform of ours, relative to [`TERRAFORM`], and whether it is tested.
pub(super) fn folders(workspace: &Workspace) -> anyhow::Result<Vec<(String, bool)>> {
    let mut folders = vec!["bootstrap".to_owned(), "cloud".to_owned()];
    for entry in std::fs::read_dir(workspace.path(TERRAFORM).join("modules"))? {
        folders.push(format!("modules/{}", entry?.file_name().display()));
    }
    folders.sort_unstable();
    let tested = |folder: &String| workspace.path(TERRAFORM).join(folder).join("tests").is_dir();
    Ok(folders
        .into_iter()
        .map(|folder| {
            let tests = tested(&folder);
            (folder, tests)
        })
        .collect())
}
