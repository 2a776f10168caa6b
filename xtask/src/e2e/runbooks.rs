//! What the runbooks tell a person to type is typed: each `sh run` block, in its order, against the service, its prober
//! and its collector on loopback.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use xshell::cmd;

use super::E2e;
use crate::golden;
use crate::outcome::Outcome;
use crate::stack::{Ports, Serving, Setup};
use crate::workspace::Workspace;

/// `cargo xtask e2e runbooks`
pub(crate) const TEST: E2e = E2e {
    name: "runbooks",
    summary: "every command of a runbook that is marked `run` does what it is there for",
    needs: &["otelcol"],
    run,
};

const SETUP: Setup =
    Setup { ports: Ports::Free, features: &[], compression: 1, probe_interval: Duration::from_secs(1) };

/// The language of a block that is run.
const RUN: &str = "sh run";

/// A command of a page.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// From 1.
    line: usize,
    script: String,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let serving = Serving::start(workspace, SETUP)?;
    let environment = environment(workspace, &serving)?;
    let mut pages: Vec<_> = std::fs::read_dir(workspace.path("runbooks"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    pages.sort();
    let (mut run, mut failed) = (0, Vec::new());
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let name = page.file_name().context("a page without a name")?.to_string_lossy().into_owned();
        for block in blocks(&std::fs::read_to_string(page)?) {
            run += 1;
            if let Err(wrong) = type_in(workspace, &environment, &block.script) {
                failed.push(format!("runbooks/{name}:{}: {wrong:#}", block.line));
            }
        }
    }
    println!("    {run} commands, {} failed", failed.len());
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    ensure!(run > 0, "no page has a command that is run");
    serving.stop()?;
    Ok(Outcome::Passed)
}

/// What `runbooks/README.md` asks a person to set.
fn environment(workspace: &Workspace, serving: &Serving) -> anyhow::Result<Vec<(&'static str, String)>> {
    let authority = serving.authority()?;
    let keys = Path::new(&authority).parent().context("keys without a folder")?;
    let row = golden::load(workspace)?.into_iter().next().context("no golden row")?.body;
    let flight: serde_json::Value = serde_json::from_str(&row)?;
    let array = flight.get("array").and_then(serde_json::Value::as_array).context("a row without numbers")?;
    let infer = serde_json::json!({
        "inputs": [{"name": "float_input", "shape": [1, array.len()], "datatype": "FP32", "data": array}]
    });
    let addresses = serving.addresses;
    Ok(vec![
        ("API", format!("https://{}", addresses.api)),
        ("ADMIN", format!("http://{}", addresses.admin)),
        ("PROBE", format!("http://{}", addresses.probe)),
        ("CA", authority.clone()),
        ("KEYS", keys.display().to_string()),
        ("TOKEN", serving.token.clone()),
        ("ROW", row),
        ("INFER", infer.to_string()),
        ("PROGRAMS", serving.binary_folder()?.display().to_string()),
    ])
}

/// Types it as a person does, apart from stopping at the first command that fails.
fn type_in(workspace: &Workspace, environment: &[(&str, String)], script: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let script = format!("PATH=$PROGRAMS:$PATH\n{script}");
    let command = cmd!(shell, "bash -euo pipefail -c {script}").envs(environment.iter().cloned());
    let output = command.quiet().ignore_status().output()?;
    ensure!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The blocks of a page that are run.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (event, place) in Parser::new(page).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == RUN => {
                let line = 1 + page.get(..place.start).map_or(0, |before| before.matches('\n').count());
                open = Some(Block { line, script: String::new() });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.script.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_blocks_are_run_also_those_in_lists() {
        let page = "```sh\nrm -r /\n```\n\n1. One\n\n   ```sh run\n   true\n   ```\n";
        assert_eq!(blocks(page), [Block { line: 7, script: "true\n".to_owned() }]);
    }

    #[test]
    fn a_command_that_fails_within_a_pipe_fails() {
        let workspace = Workspace::locate(false).unwrap();
        let wrong = type_in(
            &workspace,
            &[("PROGRAMS", "/bin".to_owned()), ("WORD", "no".to_owned())],
            "echo $WORD && false | cat",
        )
        .unwrap_err();
        assert!(wrong.to_string().contains("no\n"), "{wrong}");
    }
}
