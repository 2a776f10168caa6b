//! What needs no AWS: format, validity, tests of what would be planned, linters and policies.
//!
//! Must never count a check that was not made: each result is read from what the tool says in JSON.

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::cmd;

use super::estate::{self, Estate};
use crate::workspace::Workspace;

/// What the checks came to.
#[derive(Debug)]
pub(super) struct Checks {
    /// Roots and modules that are valid.
    pub(super) valid: usize,
    /// Runs of `terraform test` that passed.
    pub(super) planned: usize,
    /// Policies of checkov that hold.
    pub(super) policies: usize,
    /// Policies that are skipped where they stand: number, and the reason.
    pub(super) skipped: Vec<Skip>,
}

/// A policy that is skipped, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Skip {
    pub(super) policy: String,
    pub(super) reason: String,
}

pub(super) fn make(workspace: &Workspace, estate: &Estate) -> anyhow::Result<Checks> {
    format(workspace)?;
    lint(workspace)?;
    let (policies, skipped) = policies(workspace)?;
    let (mut valid, mut planned) = (0, 0);
    for (folder, tested) in estate::folders(workspace)? {
        let terraform = estate.offline(&folder);
        terraform.run("init -backend=false -no-color", &[])?;
        terraform.run("validate -no-color", &[])?;
        valid += 1;
        if tested {
            planned += summary(&terraform.run("test -json", &[])?)?;
        }
    }
    Ok(Checks { valid, planned, policies, skipped })
}

/// Also the parse check of terraform/platform, whose providers can't be had everywhere.
fn format(workspace: &Workspace) -> anyhow::Result<()> {
    let (shell, folder) = (workspace.shell()?, workspace.path(estate::TERRAFORM));
    cmd!(shell, "terraform fmt -check -diff -recursive {folder}")
        .env_remove("TF_CLI_CONFIG_FILE")
        .quiet()
        .run()?;
    Ok(())
}

fn lint(workspace: &Workspace) -> anyhow::Result<()> {
    let (shell, folder) = (workspace.shell()?, workspace.path(estate::TERRAFORM));
    let config = folder.join(".tflint.hcl");
    cmd!(shell, "tflint --chdir {folder} --recursive --config {config} --no-color").quiet().run()?;
    Ok(())
}

/// How many runs passed, of a test that ended well.
fn summary(events: &str) -> anyhow::Result<usize> {
    #[derive(Deserialize)]
    struct Event {
        test_summary: Option<Summary>,
    }
    #[derive(Deserialize)]
    struct Summary {
        passed: usize,
        failed: usize,
        errored: usize,
        skipped: usize,
    }
    let summary = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok()?.test_summary)
        .next_back()
        .context("`terraform test` says nothing of how it ended")?;
    ensure!(
        summary.failed + summary.errored + summary.skipped == 0 && summary.passed > 0,
        "`terraform test`: {} passed, {} failed, {} errored, {} skipped",
        summary.passed,
        summary.failed,
        summary.errored,
        summary.skipped
    );
    Ok(summary.passed)
}

#[derive(Debug, Deserialize)]
struct Report {
    summary: Counts,
    results: Results,
}

#[derive(Debug, Deserialize)]
struct Counts {
    passed: usize,
    parsing_errors: usize,
}

#[derive(Debug, Deserialize)]
struct Results {
    failed_checks: Vec<Check>,
    skipped_checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    check_id: String,
    resource: String,
    file_path: String,
    check_result: Judged,
}

#[derive(Debug, Deserialize)]
struct Judged {
    suppress_comment: Option<String>,
}

fn policies(workspace: &Workspace) -> anyhow::Result<(usize, Vec<Skip>)> {
    let shell = workspace.shell()?;
    let checkov = workspace.environment("checkov").join("bin/checkov");
    let folder = workspace.path(estate::TERRAFORM);
    let told =
        cmd!(shell, "{checkov} --directory {folder} --framework terraform --skip-download --output json")
            .quiet()
            .ignore_status()
            .ignore_stderr()
            .read()?;
    judge(&told)
}

/// How many policies hold, and those that are skipped.
fn judge(told: &str) -> anyhow::Result<(usize, Vec<Skip>)> {
    let report: Report =
        serde_json::from_str(told).with_context(|| format!("checkov wrote no report: {told}"))?;
    ensure!(
        report.summary.parsing_errors == 0,
        "checkov cannot parse {} files",
        report.summary.parsing_errors
    );
    let failed: Vec<String> = report.results.failed_checks.iter().map(Check::place).collect();
    ensure!(failed.is_empty(), "policies that don't hold and are not skipped:\n{}", failed.join("\n"));
    let mut skipped =
        report.results.skipped_checks.into_iter().map(Check::skip).collect::<anyhow::Result<Vec<_>>>()?;
    skipped.sort_unstable();
    Ok((report.summary.passed, skipped))
}

impl Check {
    fn place(&self) -> String {
        format!("{} on {} in {}{}", self.check_id, self.resource, estate::TERRAFORM, self.file_path)
    }

    fn skip(self) -> anyhow::Result<Skip> {
        let place = self.place();
        let reason = self.check_result.suppress_comment.unwrap_or_default().trim().to_owned();
        ensure!(!reason.is_empty() && reason != "No comment provided", "{place} is skipped without a reason");
        Ok(Skip { policy: self.check_id, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(failed: &str, skipped: &str) -> String {
        format!(
            r#"{{"summary":{{"passed":7,"parsing_errors":0}},
                "results":{{"failed_checks":[{failed}],"skipped_checks":[{skipped}]}}}}"#
        )
    }

    fn check(comment: &str) -> String {
        format!(
            r#"{{"check_id":"CKV_AWS_1","resource":"aws_lb.this","file_path":"/cloud/a.tf",
                "check_result":{{"suppress_comment":{comment}}}}}"#
        )
    }

    #[test]
    fn what_holds_is_counted_and_what_is_skipped_has_its_reason() {
        let skip = Skip { policy: "CKV_AWS_1".to_owned(), reason: "nobody looks".to_owned() };
        assert_eq!(judge(&report("", &check("\"nobody looks\""))).unwrap(), (7, vec![skip]));
    }

    #[test]
    fn a_policy_that_does_not_hold_fails_and_says_where() {
        let error = judge(&report(&check("null"), "")).unwrap_err().to_string();
        assert!(error.contains("CKV_AWS_1 on aws_lb.this in infra/terraform/cloud/a.tf"), "{error}");
    }

    #[test]
    fn a_skip_without_a_reason_fails() {
        for comment in ["null", "\" \"", "\"No comment provided\""] {
            let error = judge(&report("", &check(comment))).unwrap_err().to_string();
            assert!(error.ends_with("is skipped without a reason"), "{error}");
        }
    }

    #[test]
    fn a_test_that_ran_nothing_has_not_passed() {
        let told = |passed: usize, skipped: usize| {
            let summary = format!(
                r#"{{"test_summary":{{"passed":{passed},"failed":0,"errored":0,"skipped":{skipped}}}}}"#
            );
            summary_of(&summary)
        };
        assert_eq!(told(3, 0), Some(3));
        assert_eq!(told(0, 0), None);
        assert_eq!(told(3, 1), None);
        assert_eq!(summary_of("{}"), None);
    }

    fn summary_of(events: &str) -> Option<usize> {
        summary(events).ok()
    }
}
