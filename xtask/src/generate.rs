//! `cargo xtask generate [--check]`: the committed files that are made from others.
//!
//! One row for each maker. A check names the stale file and the command that mends it, and writes nothing.

use anyhow::{Context as _, bail};
use clap::Args;
use xshell::cmd;

use crate::e2e::comparison::{PAGE, VERDICTS, Verdicts};
use crate::workspace::Workspace;
use crate::{attacks, cost, figures, tools};

/// Write, or only look.
#[derive(Debug, Args)]
pub(crate) struct GenerateOptions {
    /// Write nothing; fail when a file is not what would be written
    #[arg(long)]
    check: bool,
}

/// Something that makes committed files.
struct Maker {
    /// What it makes, for a person.
    makes: &'static str,
    /// Rows of `tools::TOOLS` that it uses.
    needs: &'static [&'static str],
    /// Writes the files, or, when the flag is set, fails if one is stale.
    make: fn(&Workspace, Mode) -> anyhow::Result<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Check,
}

const MAKERS: &[Maker] = &[
    Maker { makes: "services/inference/openapi.json", needs: &[], make: openapi },
    Maker { makes: "loadtest/schema/", needs: &[], make: load_test_schemas },
    Maker { makes: "docs/brief-50k.svg", needs: &[], make: load_test_picture },
    Maker { makes: "what is compiled from slo/definitions/inference.yaml", needs: &[], make: objectives },
    // After the bounds of its histograms, which are among what is compiled.
    Maker { makes: "services/inference/metrics.json", needs: &[], make: metrics },
    // From the rules, which are among what is compiled.
    Maker { makes: "the tables of slo/COMPARISON.md", needs: &["promtool"], make: comparison },
    Maker { makes: cost::PAGE, needs: &[], make: costs },
    Maker {
        makes: "the measured figures in runbooks/ and docs/, and the sizes of the chart",
        needs: &[],
        make: figures,
    },
    Maker { makes: "runbooks/data/attacks.json and attacks.md", needs: &["openssl"], make: attacks },
    Maker { makes: "the model files in services/inference/model/", needs: &["python"], make: model },
];

pub(crate) fn run(workspace: &Workspace, options: &GenerateOptions) -> anyhow::Result<()> {
    each(workspace, if options.check { Mode::Check } else { Mode::Write })
}

/// Fails when a generated file is stale.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    each(workspace, Mode::Check)
}

/// Runs all makers, so that one run names everything that is stale.
fn each(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for maker in MAKERS {
        let done = tools::ensure(workspace, maker.needs).and_then(|()| (maker.make)(workspace, mode));
        match (done, mode) {
            (Ok(()), Mode::Check) => eprintln!("fresh: {}", maker.makes),
            (Ok(()), Mode::Write) => eprintln!("wrote {}", maker.makes),
            (Err(error), _) => wrong.push(format!("{}: {error:#}", maker.makes)),
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// The API's description.
fn openapi(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    printed(workspace, mode, "inference", "openapi", "services/inference/openapi.json")
}

/// What rules and dashboards may name.
fn metrics(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    printed(workspace, mode, "inference", "metrics", "services/inference/metrics.json")
}

/// What scenarios may say, and what results and capacities hold.
fn load_test_schemas(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    ["scenario", "result", "capacity", "ladder"].into_iter().try_for_each(|of| {
        printed(workspace, mode, "loadtest", &format!("schema {of}"), &format!("loadtest/schema/{of}.json"))
    })
}

/// How the challenge's load looked, for people who look before they read.
fn load_test_picture(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    printed(
        workspace,
        mode,
        "loadtest",
        "report loadtest/results/brief-50k.json --svg -",
        "docs/brief-50k.svg",
    )
}

/// What a program prints of itself.
fn printed(workspace: &Workspace, mode: Mode, package: &str, what: &str, file: &str) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let what = what.split(' ');
    let made = cmd!(shell, "cargo run --quiet --locked --package {package} -- {what...}").read()?;
    keep(workspace, file, &format!("{}\n", made.trim_end()), mode)
}

/// The compiler knows which files it makes and compares them itself.
fn objectives(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let check: &[&str] = if mode == Mode::Check { &["--check"] } else { &[] };
    cmd!(shell, "cargo run --quiet --locked --package slo -- generate {check...}").run().context(MEND)
}

/// What other compilers answer. A check only compares page and verdicts: `cargo xtask e2e comparison` asks them again.
fn comparison(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    let verdicts = match mode {
        Mode::Write => Verdicts::see(workspace),
        Mode::Check => Verdicts::committed(workspace),
    }?;
    let page = std::fs::read_to_string(workspace.path(PAGE)).context(PAGE)?;
    keep(workspace, VERDICTS, &verdicts.json()?, mode)?;
    keep(workspace, PAGE, &verdicts.page(&page)?, mode)
}

/// What the cloud costs, from prices with their date.
fn costs(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    keep(workspace, cost::PAGE, &cost::page(workspace)?, mode)
}

/// Measured figures, from the committed results.
fn figures(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    figures::PAGES
        .iter()
        .try_for_each(|(page, tables)| keep(workspace, page, &figures::page(workspace, page, *tables)?, mode))
}

/// What each attack got, as it was seen just now.
fn attacks(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    let made = attacks::make(workspace)?;
    keep(workspace, attacks::JSON, &made.json, mode)?;
    keep(workspace, attacks::TABLE, &made.table, mode)
}

/// The training script knows which files it makes and compares them itself.
fn model(workspace: &Workspace, mode: Mode) -> anyhow::Result<()> {
    let (shell, python) = (workspace.shell()?, workspace.python());
    let check: &[&str] = if mode == Mode::Check { &["--check"] } else { &[] };
    cmd!(shell, "{python} services/inference/model/train.py {check...}").run().context(MEND)
}

const MEND: &str = "not fresh; `cargo xtask generate` writes it anew";

/// Writes a file, or compares it with what would be written.
fn keep(workspace: &Workspace, relative: &str, content: &str, mode: Mode) -> anyhow::Result<()> {
    let path = workspace.path(relative);
    match mode {
        Mode::Write => std::fs::write(&path, content).with_context(|| format!("cannot write {relative}")),
        Mode::Check if std::fs::read_to_string(&path).is_ok_and(|there| there == content) => Ok(()),
        Mode::Check => bail!("{relative} is {MEND}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_writes_nothing_and_names_the_file_and_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let error = keep(&workspace, "made.json", "{}\n", Mode::Check).unwrap_err().to_string();
        assert_eq!(error, "made.json is not fresh; `cargo xtask generate` writes it anew");
        assert!(!workspace.path("made.json").exists());

        keep(&workspace, "made.json", "{}\n", Mode::Write).unwrap();
        keep(&workspace, "made.json", "{}\n", Mode::Check).unwrap();
        keep(&workspace, "made.json", "{\"changed\":1}\n", Mode::Check).unwrap_err();
    }
}
