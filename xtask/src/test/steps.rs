//! The steps of `cargo xtask test`, as data, in the order in which they run.
//!
//! What fails soonest and costs least stands first; the optimised build, which only the end-to-end tests need, last.

use std::fmt;

use crate::e2e::{self, E2e};
use crate::outcome::Outcome;
use crate::workspace::Workspace;
use crate::{artifact, fuzz, generate, tidy};

/// One line of the plan.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    /// Whether `--quick` runs it.
    pub(super) quick: bool,
    /// Rows of `tools::TOOLS` that it uses.
    pub(super) needs: &'static [&'static str],
    /// Steps that must have passed, when they are in the run.
    pub(super) after: &'static [&'static str],
    pub(super) action: Action,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum Action {
    /// A command line at the root of the workspace.
    Command { env: &'static [(&'static str, &'static str)], line: &'static [&'static str] },
    /// Installs what all other steps of the run need.
    Tools,
    /// One of xtask's own tasks, and the command that runs it alone.
    Task { command: &'static str, run: fn(&Workspace) -> anyhow::Result<Outcome> },
    /// An end-to-end test.
    E2e(&'static E2e),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { env, line } => {
                for (name, value) in *env {
                    write!(f, "{name}='{value}' ")?;
                }
                f.write_str(&line.join(" "))
            }
            Self::Tools => f.write_str("cargo xtask tools"),
            Self::Task { command, .. } => f.write_str(command),
            Self::E2e(e2e) => write!(f, "cargo xtask e2e {}: {}", e2e.name, e2e.summary),
        }
    }
}

/// End-to-end tests that are run by hand, for which a cold run has no room: `cloud` takes six minutes of two cores, and
/// `kubernetes` first builds Kubernetes, another six.
const BESIDE: [&str; 2] = ["cloud", "kubernetes"];

const PLAIN: &[(&str, &str)] = &[];
const PYTHON: &str = ".tools/python/bin/python";

/// The whole plan: the fixed steps, then one for each end-to-end test.
pub(super) fn all() -> Vec<Step> {
    let quick =
        |name: &str, action| Step { name: name.to_owned(), quick: true, needs: &[], after: &[], action };
    let full =
        |name: &str, needs, action| Step { name: name.to_owned(), quick: false, needs, after: &[], action };
    let command = |line| Action::Command { env: PLAIN, line };

    let mut steps = vec![
        quick("format", command(&["cargo", "fmt", "--all", "--check"])),
        quick(
            "tidy",
            Action::Task { command: "cargo xtask tidy", run: |workspace| passed(tidy::run(workspace)) },
        ),
        quick(
            "clippy",
            command(&["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        ),
        quick(
            "docs",
            Action::Command {
                env: &[("RUSTDOCFLAGS", "-D warnings")],
                line: &["cargo", "doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
            },
        ),
        quick("tests", command(&["cargo", "test", "--workspace", "--locked"])),
        full(
            "fault tests",
            &[],
            // Of the workspace, for which all else has been built: alone the service has its dependencies with other features.
            command(&[
                "cargo",
                "test",
                "--workspace",
                "--features",
                "inference/faults",
                "--locked",
                "--",
                "faults",
            ]),
        ),
        full("tools", &[], Action::Tools),
        full(
            "licences",
            &["cargo-deny"],
            command(&["cargo", "deny", "check", "bans", "licenses", "sources"]),
        ),
        // By its path: as `cargo machete` below `cargo xtask` it takes its own name for a folder to look at.
        full("unused dependencies", &["cargo-machete"], command(&[".tools/bin/cargo-machete"])),
        full(
            "workflows",
            &["zizmor"],
            command(&[
                ".tools/zizmor/bin/zizmor",
                "--offline",
                "--pedantic",
                "--strict-collection",
                "--no-progress",
                ".github",
            ]),
        ),
        // Without the linters of scripts that a machine may have or not: tidy lets no script in.
        full(
            "workflow syntax",
            &["actionlint"],
            command(&[".tools/bin/actionlint", "-shellcheck=", "-pyflakes="]),
        ),
        full(
            "python format",
            &["python"],
            command(&[
                PYTHON,
                "-m",
                "ruff",
                "format",
                "--check",
                "services/inference",
                "tools/python",
                "infra/tests",
                "loadtest/peers",
            ]),
        ),
        full(
            "python lint",
            &["python"],
            command(&[
                PYTHON,
                "-m",
                "ruff",
                "check",
                "services/inference",
                "tools/python",
                "infra/tests",
                "loadtest/peers",
            ]),
        ),
        full(
            "python tests",
            &["python"],
            command(&[PYTHON, "-m", "pytest", "--quiet", "services/inference/model"]),
        ),
    ];
    // By Grafana's own types, as no Grafana can be had where tests run.
    steps.push(full("dashboards", &["python"], command(&[PYTHON, "tools/python/read_dashboards.py"])));
    steps.push(full(
        "generated",
        &["python"],
        Action::Task {
            command: "cargo xtask generate --check",
            run: |workspace| passed(generate::check(workspace)),
        },
    ));
    steps.push(full(
        "fuzz",
        &["cargo-fuzz"],
        Action::Task { command: "cargo fuzz run (each target, bounded)", run: fuzz::run },
    ));
    steps.push(full(
        "dist",
        &artifact::NEEDS,
        Action::Task {
            command: "cargo auditable build --profile dist (static, fat LTO)",
            run: |workspace| passed(artifact::service(workspace).map(drop)),
        },
    ));
    steps.extend(e2e::ALL.iter().filter(|e2e| !BESIDE.contains(&e2e.name)).map(|e2e| Step {
        name: e2e.name.to_owned(),
        quick: false,
        needs: e2e.needs,
        after: &["dist"],
        action: Action::E2e(e2e),
    }));
    steps
}

fn passed(done: anyhow::Result<()>) -> anyhow::Result<Outcome> {
    done.map(|()| Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::tools;

    #[test]
    fn every_name_stands_once() {
        let mut seen = HashSet::new();
        for step in all() {
            assert!(seen.insert(step.name.clone()), "two steps are called {}", step.name);
        }
    }

    #[test]
    fn every_tool_that_is_needed_is_a_row() {
        for step in all() {
            for need in step.needs {
                assert!(tools::TOOLS.iter().any(|tool| tool.name == *need), "{} needs {need}", step.name);
            }
        }
    }

    #[test]
    fn a_step_comes_after_what_it_depends_on() {
        let steps = all();
        for (index, step) in steps.iter().enumerate() {
            for before in step.after {
                assert!(
                    steps.iter().take(index).any(|other| other.name == *before),
                    "{} before {before}",
                    step.name
                );
            }
        }
    }
}
