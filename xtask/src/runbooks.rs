//! The pages of `runbooks/`: what each asks of Prometheus, what each has a person type, and a hand that types it.
//!
//! `slo runbooks` reads the pages. Must never say what a page should hold: that is the compiler's to judge.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::cmd;

use crate::stack::{Prometheus, Serving};
use crate::workspace::Workspace;
use crate::{golden, process, wait};

/// Longer than something that ends again and again is away at a time.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The pages by file name.
pub(crate) type Pages = BTreeMap<String, Page>;

/// A page, as far as it can be tried.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    /// What it asks of Prometheus.
    #[serde(default, rename = "promql")]
    pub(crate) questions: Vec<Block>,
    /// What it has a person type, and is tried.
    #[serde(default, rename = "sh run")]
    pub(crate) commands: Vec<Block>,
    /// Its other blocks, by what is written behind the fence.
    #[serde(flatten)]
    others: BTreeMap<String, Vec<Block>>,
}

/// A fenced block of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Block {
    /// The section that it stands in.
    pub(crate) section: String,
    /// From 1.
    pub(crate) line: usize,
    /// What is in it.
    pub(crate) text: String,
}

impl Page {
    /// Asks all that it asks of Prometheus. Each question has an answer, as a person who reads the page has to have it; what
    /// is up again and again has one in the end.
    pub(crate) fn ask(&self, prometheus: &Prometheus) -> anyhow::Result<()> {
        for Block { line, text, .. } in &self.questions {
            wait::until("an answer while it is needed", ANSWER_LIMIT, || {
                Ok((!prometheus.query(text)?.is_empty()).then_some(()))
            })
            .with_context(|| format!("line {line}: {text}"))?;
        }
        Ok(())
    }

    /// What it breaks, each with the alert that comes of it.
    pub(crate) fn faults(&self) -> impl Iterator<Item = (&str, &Block)> {
        self.others
            .iter()
            .filter_map(|(language, blocks)| Some((language.strip_prefix("sh fault ")?, blocks)))
            .flat_map(|(alert, blocks)| blocks.iter().map(move |block| (alert, block)))
    }
}

/// All pages.
pub(crate) fn pages(workspace: &Workspace) -> anyhow::Result<Pages> {
    let shell = workspace.shell()?;
    let json = cmd!(shell, "cargo run --quiet --locked --package slo -- runbooks --json").quiet().read()?;
    serde_json::from_str(&json).context("slo runbooks --json")
}

/// What commands name their target by, as `runbooks/README.md` says, for the service that runs here.
#[derive(Debug)]
pub(crate) struct Variables {
    /// What a shell reads to have them.
    pub(crate) file: PathBuf,
}

impl Variables {
    /// Writes those of this service, whose samples Prometheus keeps in `samples`.
    pub(crate) fn write(workspace: &Workspace, serving: &Serving, samples: &Path) -> anyhow::Result<Self> {
        let authority = serving.authority()?;
        let keys = Path::new(&authority).parent().context("keys without a folder")?;
        let row = golden::load(workspace)?.into_iter().next().context("no golden row")?;
        let addresses = serving.addresses;
        let variables = [
            ("API", format!("https://{}", addresses.api)),
            ("ADMIN", format!("http://{}", addresses.admin)),
            ("PROBE", format!("http://{}", addresses.probe)),
            ("PROMETHEUS", format!("http://{}", addresses.prometheus)),
            ("CA", authority.clone()),
            ("KEYS", keys.display().to_string()),
            ("MODEL", serving.model()?),
            ("CLOCK", serving.clock()?),
            ("MEMORY", serving.memory()?),
            ("PROMETHEUS_DATA", process::text(samples)?.to_owned()),
            ("COLLECTOR", process::text(&serving.collector_configuration())?.to_owned()),
            ("TOKEN", serving.token.clone()),
            ("INFER", row.infer()?),
            ("ROW", row.body),
        ];
        let mut text = String::new();
        for (name, value) in variables {
            writeln!(text, "export {name}={}", shlex::try_quote(&value)?)?;
        }
        let programs = process::text(serving.binary_folder()?)?;
        writeln!(text, "export PATH={}:$PATH", shlex::try_quote(programs)?)?;
        Self::put(serving.folder(), &text)
    }

    fn put(folder: &Path, text: &str) -> anyhow::Result<Self> {
        let file = folder.join("variables.sh");
        std::fs::write(&file, text)?;
        Ok(Self { file })
    }

    /// Types it as a person does, apart from stopping at the first command that fails.
    pub(crate) fn type_in(&self, workspace: &Workspace, command: &Block) -> anyhow::Result<()> {
        let shell = workspace.shell()?;
        let (file, text) = (process::text(&self.file)?, &command.text);
        let script = format!(". {}\n{text}", shlex::try_quote(file)?);
        let output = cmd!(shell, "bash -euo pipefail -c {script}").quiet().ignore_status().output()?;
        ensure!(
            output.status.success(),
            "{}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_within_a_pipe_fails() {
        let workspace = Workspace::locate(false).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let variables = Variables::put(folder.path(), "export WORD='no way'\n").unwrap();
        let command = Block { section: String::new(), line: 1, text: "echo $WORD && false | cat".to_owned() };
        let wrong = variables.type_in(&workspace, &command).unwrap_err();
        assert!(wrong.to_string().contains("no way\n"), "{wrong}");
    }
}
