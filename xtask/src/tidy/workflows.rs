//! What GitHub runs is hardened where neither zizmor nor actionlint looks: no permission that a job doesn't name, an end to
//! every job, a version beside every pinned commit, and no script that could not be run and tested elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Finding;
use super::files::Files;

const FOLDER: &str = ".github/workflows/";

#[derive(Debug, Deserialize)]
struct Workflow {
    permissions: Option<serde_json::Value>,
    concurrency: Option<serde_json::Value>,
    jobs: BTreeMap<String, Job>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Job {
    timeout_minutes: Option<u32>,
    /// Another workflow, whose own jobs end.
    uses: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    run: Option<String>,
}

pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files.ending(&[".yml", ".yaml"]).filter(|(path, _)| path.starts_with(FOLDER)) {
        match serde_saphyr::from_str(text) {
            Ok(workflow) => of_workflow(path, &workflow, &mut findings),
            Err(error) => findings.push(Finding::file(path, format!("not a workflow: {error}"))),
        }
        findings.extend(unnamed_commits(path, text));
    }
    findings
}

fn of_workflow(path: &str, workflow: &Workflow, findings: &mut Vec<Finding>) {
    let mut found = |wrong: String| findings.push(Finding::file(path, wrong));
    if workflow.permissions != Some(serde_json::json!({})) {
        found("write `permissions: {}` at the top; each job names what it needs".to_owned());
    }
    if workflow.concurrency.is_none() {
        found("say with `concurrency` what happens to a run that meets another".to_owned());
    }
    for (name, job) in &workflow.jobs {
        if job.timeout_minutes.is_none() && job.uses.is_none() {
            found(format!("job `{name}` needs `timeout-minutes`; GitHub's own is six hours"));
        }
        for run in job.steps.iter().filter_map(|step| step.run.as_deref()) {
            if run.contains("${{") {
                found(format!("job `{name}`: `{run}` pastes an expression into a shell; pass it by `env`"));
            }
            if run.trim_end().contains('\n') {
                found(format!("job `{name}` has a script; write it as a task of xtask, where it is tested"));
            }
        }
    }
}

/// Actions without a full commit, or without the version that the commit is.
fn unnamed_commits(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, action)) = line.split_once("uses: ") else { continue };
        if !action.starts_with("./") && !is_commit_with_version(action) {
            let wrong =
                format!("`{action}` needs a full commit and its version: `OWNER/NAME@COMMIT # v1.2.3`");
            findings.push(Finding::line(path, index + 1, wrong));
        }
    }
    findings
}

fn is_commit_with_version(action: &str) -> bool {
    let Some((name, version)) = action.split_once(" # v") else { return false };
    let commit = name.split_once('@').map_or("", |(_, commit)| commit);
    let parts: Vec<&str> = version.split('.').collect();
    commit.len() == 40
        && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        && parts.len() == 3
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::findings;
    use super::*;

    const GOOD: &str = "\
name: check
permissions: {}
concurrency: check
jobs:
  test:
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789 # v7.0.1
      - run: cargo xtask test
";

    #[test]
    fn a_hardened_workflow_is_left_alone_as_is_one_that_calls_it() {
        let (head, _) = GOOD.split_once("    timeout").unwrap();
        let caller = format!("{head}    uses: ./.github/workflows/check.yml\n");
        let files = [(".github/workflows/check.yml", GOOD), (".github/workflows/caller.yml", &caller)];
        assert_eq!(findings(check, &files), [""; 0]);
    }

    #[rstest]
    #[case::permissions_of_all_jobs("permissions: {}", "permissions: read-all", "`permissions: {}`")]
    #[case::no_permissions("permissions: {}\n", "", "`permissions: {}`")]
    #[case::no_concurrency("concurrency: check\n", "", "`concurrency`")]
    #[case::no_end("    timeout-minutes: 5\n", "", "job `test` needs `timeout-minutes`")]
    #[case::an_expression_in_a_shell("xtask test", "xtask ${{ inputs.task }}", "pass it by `env`")]
    #[case::a_script(
        "run: cargo xtask test",
        "run: |\n          make\n          make test",
        "a task of xtask"
    )]
    #[case::a_tag("@0123456789012345678901234567890123456789 # v7.0.1", "@v7", "needs a full commit")]
    #[case::a_short_commit("@0123456789012345678901234567890123456789", "@0123456", "needs a full commit")]
    #[case::no_version(" # v7.0.1", "", "its version")]
    #[case::a_moving_version(" # v7.0.1", " # v7", "its version")]
    #[case::no_workflow("jobs:", "job:", "not a workflow")]
    fn what_neither_tool_looks_for_is_found(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
        let text = GOOD.replace(good, bad);
        assert_ne!(text, GOOD, "the case changes nothing");
        let found = findings(check, &[(".github/workflows/check.yml", &text)]);
        assert!(found.len() == 1 && found[0].contains(says), "{found:?}");
    }
}
