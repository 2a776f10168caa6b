//! The pages of `runbooks/`: what each asks of Prometheus, what each has a person type, and a hand that types it.
//!
//! `slo runbooks` reads the pages. Must never say what a page should hold: that is the compiler's to judge.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::cmd;

use crate::golden;
use crate::stack::Serving;
use crate::workspace::Workspace;

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
}

/// A fenced block of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Block {
    /// From 1.
    pub(crate) line: usize,
    /// What is in it.
    pub(crate) text: String,
}

/// All pages.
pub(crate) fn pages(workspace: &Workspace) -> anyhow::Result<Pages> {
    let shell = workspace.shell()?;
    let json = cmd!(shell, "cargo run --quiet --locked --package slo -- runbooks --json").quiet().read()?;
    serde_json::from_str(&json).context("slo runbooks --json")
}

/// What commands name their target by, as `runbooks/README.md` says, for the service that runs here.
#[derive(Debug)]
pub(crate) struct Variables(Vec<(&'static str, String)>);

impl Variables {
    /// Those of this service.
    pub(crate) fn of(workspace: &Workspace, serving: &Serving) -> anyhow::Result<Self> {
        let authority = serving.authority()?;
        let keys = Path::new(&authority).parent().context("keys without a folder")?;
        let row = golden::load(workspace)?.into_iter().next().context("no golden row")?.body;
        let flight: serde_json::Value = serde_json::from_str(&row)?;
        let array =
            flight.get("array").and_then(serde_json::Value::as_array).context("a row without numbers")?;
        let infer = serde_json::json!({
            "inputs": [{"name": "float_input", "shape": [1, array.len()], "datatype": "FP32", "data": array}]
        });
        let addresses = serving.addresses;
        Ok(Self(vec![
            ("API", format!("https://{}", addresses.api)),
            ("ADMIN", format!("http://{}", addresses.admin)),
            ("PROBE", format!("http://{}", addresses.probe)),
            ("CA", authority.clone()),
            ("KEYS", keys.display().to_string()),
            ("TOKEN", serving.token.clone()),
            ("ROW", row),
            ("INFER", infer.to_string()),
            ("PROGRAMS", serving.binary_folder()?.display().to_string()),
        ]))
    }

    /// Types it as a person does, apart from stopping at the first command that fails.
    pub(crate) fn type_in(&self, workspace: &Workspace, command: &Block) -> anyhow::Result<()> {
        let shell = workspace.shell()?;
        let script = format!("PATH=$PROGRAMS:$PATH\n{}", command.text);
        let typed = cmd!(shell, "bash -euo pipefail -c {script}").envs(self.0.iter().cloned());
        let output = typed.quiet().ignore_status().output()?;
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
        let variables = Variables(vec![("PROGRAMS", "/bin".to_owned()), ("WORD", "no".to_owned())]);
        let command = Block { line: 1, text: "echo $WORD && false | cat".to_owned() };
        let wrong = variables.type_in(&workspace, &command).unwrap_err();
        assert!(wrong.to_string().contains("no\n"), "{wrong}");
    }
}
