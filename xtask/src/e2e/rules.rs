//! The generated rules and their generated tests, in the real promtool: every alert is silent, fires and clears when its
//! objective says so.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use xshell::cmd;

use super::E2e;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e rules`
pub(crate) const TEST: E2e = E2e {
    name: "rules",
    summary: "promtool: every alert is silent, fires and clears at the time that its objective computes",
    needs: &["promtool"],
    run,
};

const RULES: &str = "observability/prometheus/rules";
const TESTS: &str = "observability/prometheus/tests";

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    let rules = &yaml_below(workspace, RULES)?;
    cmd!(shell, "{promtool} check rules --lint=all --lint-fatal {rules...}").quiet().ignore_stdout().run()?;
    let tests = &yaml_below(workspace, TESTS)?;
    let printed = cmd!(shell, "{promtool} test rules {tests...}").quiet().ignore_status().output()?;
    if !printed.status.success() {
        bail!("{}{}", String::from_utf8_lossy(&printed.stdout), String::from_utf8_lossy(&printed.stderr));
    }
    eprintln!("    {} rule files, {} test files passed", rules.len(), tests.len());
    Ok(Outcome::Passed)
}

/// Every YAML file below a folder, sorted.
pub(super) fn yaml_below(workspace: &Workspace, folder: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in ignore::WalkBuilder::new(workspace.path(folder)).sort_by_file_path(Ord::cmp).build() {
        let path = entry.with_context(|| format!("cannot read {folder}"))?.into_path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!("{folder} holds no YAML file; `cargo xtask generate` writes them");
    }
    Ok(found)
}
