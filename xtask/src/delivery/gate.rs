//! `slo gate`, asked as a program: its exit code is the answer, what it prints the reason.

use std::process::Output;

use anyhow::bail;
use clap::ValueEnum;
use xshell::cmd;

use super::image::ImageByDigest;
use crate::workspace::Workspace;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Pass,
    Fail(String),
    /// Nobody can say: a third answer, and never a pass.
    NoData(String),
}

/// What is delivered, as `slo gate --delivers` knows it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Delivers {
    /// Something new
    Feature,
    /// What makes it more reliable, or a security fix
    Fix,
}

/// Whom to ask, and for what.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) prometheus: &'a str,
    pub(super) delivers: Delivers,
}

impl Gate<'_> {
    /// Whether there is budget for a delivery.
    pub(super) fn budget(&self) -> anyhow::Result<Answer> {
        let delivers = match self.delivers {
            Delivers::Feature => "feature",
            Delivers::Fix => "fix",
        };
        self.ask(&["--delivers", delivers])
    }

    /// Whether the canary may go on, by its own series, as the chart's monitors label them: not by those of one of another
    /// version, which may have been taken back within the hour that the gate looks at.
    pub(super) fn canary(&self, image: &ImageByDigest) -> anyhow::Result<Answer> {
        self.ask(&["--canary", &format!("track=\"canary\",version=\"{}\"", image.version())])
    }

    fn ask(&self, what: &[&str]) -> anyhow::Result<Answer> {
        let (shell, prometheus) = (self.workspace.shell()?, self.prometheus);
        let gate = cmd!(
            shell,
            "cargo run --quiet --locked --package slo -- gate --prometheus {prometheus} {what...}"
        );
        answer(&gate.quiet().ignore_status().output()?)
    }
}

fn answer(output: &Output) -> anyhow::Result<Answer> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let words = [text(&output.stdout), text(&output.stderr)].concat();
    Ok(match output.status.code() {
        Some(0) => Answer::Pass,
        Some(1) => Answer::Fail(words),
        Some(2) => Answer::NoData(words),
        _ => bail!("`slo gate` ended with {}: {words}", output.status),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn ended(code: i32) -> Option<Answer> {
        let status = ExitStatus::from_raw(code << 8);
        let output = Output { status, stdout: b"api-latency  FAIL\n".to_vec(), stderr: vec![] };
        answer(&output).ok()
    }

    #[test]
    fn only_zero_is_a_pass_and_a_program_that_broke_gives_no_answer() {
        let words = || "api-latency  FAIL".to_owned();
        assert_eq!(ended(0), Some(Answer::Pass));
        assert_eq!(ended(1), Some(Answer::Fail(words())));
        assert_eq!(ended(2), Some(Answer::NoData(words())));
        assert_eq!(ended(101), None, "a panic, or a build that failed");
        let killed = Output { status: ExitStatus::from_raw(9), stdout: vec![], stderr: vec![] };
        assert!(answer(&killed).is_err());
    }
}
