//! The generated rules and their generated tests, in the real promtool: every alert is silent, fires and clears when its
//! objective says so.

use std::path::{Path, PathBuf};

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
/// Periods, groups and tiers that our own objectives don't use.
const SHAPES: &str = "slo/tests/fixtures/shapes.yaml";

const TESTS: &str = "observability/prometheus/tests";

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    passes(workspace, workspace.root())?;

    let compiled = tempfile::tempdir()?;
    let (shell, out) = (workspace.shell()?, compiled.path());
    cmd!(shell, "cargo run --quiet --locked --package slo -- --definitions {SHAPES} generate --out {out}")
        .quiet()
        .ignore_stdout()
        .run()?;
    passes(workspace, out)?;
    Ok(Outcome::Passed)
}

/// Checks the rules below a root and runs their tests.
fn passes(workspace: &Workspace, root: &Path) -> anyhow::Result<()> {
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    let rules = &yaml_below(&root.join(RULES))?;
    cmd!(shell, "{promtool} check rules --lint=all --lint-fatal {rules...}").quiet().ignore_stdout().run()?;
    let tests = &yaml_below(&root.join(TESTS))?;
    let printed = cmd!(shell, "{promtool} test rules {tests...}").quiet().ignore_status().output()?;
    if !printed.status.success() {
        bail!("{}{}", String::from_utf8_lossy(&printed.stdout), String::from_utf8_lossy(&printed.stderr));
    }
    eprintln!("    {} rule files, {} test files passed", rules.len(), tests.len());
    Ok(())
}

/// Every YAML file below a folder, sorted.
pub(super) fn yaml_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in ignore::WalkBuilder::new(folder).sort_by_file_path(Ord::cmp).build() {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.into_path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!("{} holds no YAML file; `cargo xtask generate` writes them", folder.display());
    }
    Ok(found)
}
