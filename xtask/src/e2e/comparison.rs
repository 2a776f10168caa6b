//! What other compilers of objectives answer where ours differs: the same series for each, in the real promtool.
//!
//! Owns `slo/comparison/verdicts.json` and the tables of `slo/COMPARISON.md`. Must never hold an opinion: what is right
//! stands in `slo/comparison/tests`, what each answers is what promtool printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use xshell::cmd;

use super::E2e;
use super::rules::yaml_below;
use crate::marks;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e comparison`
pub(crate) const TEST: E2e = E2e {
    name: "comparison",
    summary: "promtool: sloth, pyrra, slokit and we answer each scenario of slo/comparison as slo/COMPARISON.md says",
    needs: &["promtool"],
    run,
};

/// What each answered, for programs; and for people.
pub(crate) const VERDICTS: &str = "slo/comparison/verdicts.json";
pub(crate) const PAGE: &str = "slo/COMPARISON.md";

const SCENARIOS: &str = "slo/comparison/tests";
const OURS: &str = "puntual";
/// Each compiler, and where its rules for the same objectives are.
const TOOLS: [(&str, &str); 4] = [
    ("sloth", "slo/comparison/sloth"),
    ("pyrra", "slo/comparison/pyrra"),
    ("slokit", "slo/comparison/slokit"),
    (OURS, "observability/prometheus/rules"),
];
/// The rule files that are compared, where a compiler writes them.
const RULES: [&str; 4] = ["api-availability", "api-latency", "api-loose", "presence"];
/// What both objectives cost: these are among every compiler's files.
const BOTH: [&str; 2] = ["api-availability", "api-latency"];
/// The scenario whose definition our compiler may refuse, and how it says so.
const REFUSABLE: (&str, &str, &str) =
    ("unreachable", "slo/comparison/definitions/puntual.yaml", "can never set off the alert");

const RIGHT: &str = "right";
const REFUSED: &str = "refused";

/// All that was answered.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Verdicts {
    command: String,
    /// By the name of their file.
    scenarios: BTreeMap<String, Verdict>,
    /// Rules for both objectives, by compiler.
    rules: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Verdict {
    claim: String,
    expected: String,
    /// By compiler: `right`, `refused`, or what it answered instead.
    answers: BTreeMap<String, String>,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let (seen, committed) = (Verdicts::see(workspace)?, Verdicts::committed(workspace)?);
    if seen != committed {
        let known = |(name, verdict): &(&String, &Verdict)| committed.scenarios.get(*name) == Some(*verdict);
        let new: Vec<_> = seen.scenarios.iter().filter(|scenario| !known(scenario)).collect();
        bail!(
            "{VERDICTS} is not what was answered; if it is meant, `cargo xtask generate` writes it anew\n{new:#?}"
        );
    }
    eprintln!("    {} scenarios, {} compilers", seen.scenarios.len(), TOOLS.len());
    Ok(Outcome::Passed)
}

impl Verdicts {
    /// Asks promtool everything.
    pub(crate) fn see(workspace: &Workspace) -> anyhow::Result<Self> {
        let mut verdicts = Self {
            command: "cargo xtask generate".to_owned(),
            scenarios: BTreeMap::new(),
            rules: BTreeMap::new(),
        };
        for file in yaml_below(&workspace.path(SCENARIOS))? {
            let name = file.file_stem().context("a scenario without a name")?.to_string_lossy().into_owned();
            let verdict = Verdict::see(workspace, &name, &file).with_context(|| name.clone())?;
            verdicts.scenarios.insert(name, verdict);
        }
        for (tool, folder) in TOOLS {
            let text = rule_files(workspace, folder, &BOTH)?.into_values().collect::<String>();
            let is_rule = |line: &&str| ["record: ", "alert: "].iter().any(|key| item(line).starts_with(key));
            verdicts.rules.insert(tool.to_owned(), text.lines().filter(is_rule).count());
        }
        Ok(verdicts)
    }

    /// What was seen when the page was made.
    pub(crate) fn committed(workspace: &Workspace) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(workspace.path(VERDICTS)).context(VERDICTS)?;
        serde_json::from_str(&text).context(VERDICTS)
    }

    pub(crate) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The page with these verdicts between its marks.
    pub(crate) fn page(&self, page: &str) -> anyhow::Result<String> {
        marks::fill(PAGE, page, &self.tables())
    }

    /// What ours answers, then what it does not, then what it costs.
    fn tables(&self) -> String {
        let ours = |verdict: &Verdict| verdict.answers.get(OURS).is_some_and(|answer| good(answer));
        let (right, wrong): (Vec<_>, Vec<_>) = self.scenarios.iter().partition(|(_, verdict)| ours(verdict));
        let costs = TOOLS.map(|(tool, _)| self.rules.get(tool).map(ToString::to_string).unwrap_or_default());
        format!(
            "## Where ours answers right\n\n{}\n## Where ours does not\n\n{}\n## What it costs\n\n{}| rules for both \
             objectives | | {} |\n",
            table(&right),
            table(&wrong),
            table(&[]),
            costs.join(" | ")
        )
    }
}

fn table(rows: &[(&String, &Verdict)]) -> String {
    let names = TOOLS.map(|(tool, _)| tool).join(" | ");
    let mut table = format!("| | right | {names} |\n|---|---|---|---|---|---|\n");
    for (name, Verdict { claim, expected, answers }) in rows {
        let cells = TOOLS.map(|(tool, _)| match answers.get(tool).map_or("", String::as_str) {
            RIGHT => "✓",
            answer => answer,
        });
        // Writing to a text cannot fail.
        let _written = writeln!(
            table,
            "| [{claim}](comparison/tests/{name}.yaml) | {expected} | {} |",
            cells.join(" | ")
        );
    }
    table
}

fn good(answer: &str) -> bool {
    [RIGHT, REFUSED].contains(&answer)
}

impl Verdict {
    fn see(workspace: &Workspace, name: &str, file: &Path) -> anyhow::Result<Self> {
        let scenario = std::fs::read_to_string(file)?;
        let field = |key| {
            let value = scenario.lines().find_map(|line| item(line).strip_prefix(key));
            value.map(str::to_owned).with_context(|| format!("no `{key}`"))
        };
        let mut answers = BTreeMap::new();
        for (tool, folder) in TOOLS {
            let answer = if tool == OURS && name == REFUSABLE.0 && refuses(workspace)? {
                REFUSED.to_owned()
            } else {
                let rules = rule_files(workspace, folder, &RULES)?;
                ask(workspace, &rules, &scenario).with_context(|| tool.to_owned())?
            };
            answers.insert(tool.to_owned(), answer);
        }
        Ok(Self { claim: field("name: ")?, expected: field("value: ")?, answers })
    }
}

/// What promtool says of a scenario with these rules.
fn ask(workspace: &Workspace, rules: &BTreeMap<String, String>, scenario: &str) -> anyhow::Result<String> {
    // Without it promtool takes the groups in any order, and a value that goes through two of them comes late or not.
    let groups: Vec<_> = rules
        .values()
        .flat_map(|text| text.lines())
        .filter_map(|line| item(line).strip_prefix("name: "))
        .collect();
    let files: Vec<_> = rules.keys().collect();
    let test = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    let head = format!("rule_files: {files:?}\ngroup_eval_order: {groups:?}\n");
    std::fs::write(test.path(), head + scenario)?;
    let (shell, promtool, path) = (workspace.shell()?, workspace.tool("promtool"), test.path());
    let printed = cmd!(shell, "{promtool} test rules {path}").quiet().ignore_status().output()?;
    if printed.status.success() {
        return Ok(RIGHT.to_owned());
    }
    let printed = [printed.stdout, printed.stderr].concat();
    answered(&String::from_utf8_lossy(&printed))
}

/// The value that promtool got instead of the one that the scenario expects. A failure without one is no answer.
fn answered(printed: &str) -> anyhow::Result<String> {
    let got =
        printed.lines().find_map(|line| line.trim().strip_prefix("got: ")).context(printed.to_owned())?;
    Ok(match got.strip_prefix("{} ") {
        Some(value) => value.parse::<f64>().with_context(|| printed.to_owned())?.to_string(),
        None => "nothing".to_owned(),
    })
}

/// Whether our compiler refuses the definition, and for no other reason.
fn refuses(workspace: &Workspace) -> anyhow::Result<bool> {
    let (shell, (_, definition, reason)) = (workspace.shell()?, REFUSABLE);
    let validate =
        cmd!(shell, "cargo run --quiet --locked --package slo -- validate --definitions {definition}");
    let printed = validate.quiet().ignore_status().output()?;
    let faults = String::from_utf8_lossy(&printed.stderr).into_owned();
    Ok(!printed.status.success() && faults.lines().all(|line| line.contains(reason)))
}

/// Those of these rule files that are in the folder, by path.
fn rule_files(
    workspace: &Workspace,
    folder: &str,
    names: &[&str],
) -> anyhow::Result<BTreeMap<String, String>> {
    let paths = names.iter().map(|name| workspace.path(&format!("{folder}/{name}.yaml")));
    let files: std::io::Result<BTreeMap<_, _>> = paths
        .filter(|path| path.exists())
        .map(|path| Ok((path.display().to_string(), std::fs::read_to_string(path)?)))
        .collect();
    let files = files.context(folder.to_owned())?;
    if files.len() < BOTH.len() {
        bail!("{folder} lacks rules of {BOTH:?}");
    }
    Ok(files)
}

/// A line of a YAML file without what makes it an item of a list.
fn item(line: &str) -> &str {
    line.trim_start_matches([' ', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;

    fn verdicts(ours: &str) -> Verdicts {
        let answers = [("sloth", "NaN"), (OURS, ours)].map(|(tool, answer)| (tool.into(), answer.into()));
        let verdict = Verdict { claim: "idle".into(), expected: "1".into(), answers: answers.into() };
        Verdicts {
            command: String::new(),
            scenarios: [("idle".to_owned(), verdict)].into(),
            rules: BTreeMap::new(),
        }
    }

    #[test]
    fn what_promtool_got_is_the_answer_and_anything_else_that_fails_is_an_error() {
        assert_eq!(answered("  FAILED:\n   exp: {} 1E+00\n   got: {} -6.6E+01\n").unwrap(), "-66");
        assert_eq!(answered("   got: {} NaN\n").unwrap(), "NaN");
        assert_eq!(answered("   got: nil\n").unwrap(), "nothing");
        let error = answered("  FAILED:\nrules.yaml: bad rule\n").unwrap_err();
        assert!(error.to_string().contains("bad rule"));
    }

    #[test]
    fn the_page_says_where_ours_is_wrong_as_loudly_as_where_it_is_right() {
        let [begin, end] = marks::of(PAGE);
        let page = format!("# Before\n{begin}stale\n{end}after\n");
        let row = "| [idle](comparison/tests/idle.yaml) | 1 | NaN |";
        for (ours, cell, heading) in [
            (RIGHT, "✓", "Where ours answers right"),
            (REFUSED, REFUSED, "right"),
            ("0", "0", "Where ours does not"),
        ] {
            let made = verdicts(ours).page(&page).unwrap();
            assert!(made.starts_with("# Before\n") && made.ends_with("after\n") && !made.contains("stale"));
            let section = made.split("## ").find(|section| section.contains(row)).unwrap();
            assert!(section.lines().next().unwrap().ends_with(heading), "{section}");
            assert!(section.contains(&format!("{row}  |  | {cell} |")), "{section}");
        }
        verdicts(RIGHT).page("no marks").unwrap_err();
    }
}
