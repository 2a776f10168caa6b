//! One load from several machines, each a process here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use loadtest::result::RunResult;
use loadtest::verdict::Outcome;
use tempfile::TempDir;

use crate::harness::{Ran, Scenario, TOKEN, loadtest, said};
use crate::server::{Running, Server};

/// Enough for processes to get ready on a busy machine.
const AHEAD: Duration = Duration::from_secs(5);

/// A folder with a scenario, and with the results of its shares.
struct Shared {
    folder: TempDir,
}

impl Shared {
    fn of(scenario: &Scenario) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("try.yaml"), scenario.yaml()).unwrap();
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, share: &str, begin_at: SystemTime, server: &Running, out: &str) -> Command {
        let mut command = loadtest();
        command
            .args(["run", "try.yaml", "--token-file", "token", "--share", share, "--out", out])
            .args(["--target", &format!("http://{}", server.address)])
            .args(["--begin-at", &humantime::format_rfc3339(begin_at).to_string()])
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Both halves of a load, sent together.
    fn halves(&self, server: &Running) -> [RunResult; 2] {
        let begin_at = SystemTime::now() + AHEAD;
        let halves = ["0/2", "1/2"].map(|share| {
            let name = share.replace('/', "-of-");
            (self.command(share, begin_at, server, &name).spawn().unwrap(), name)
        });
        halves.map(|(child, name)| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", said(&output));
            read(&self.file(&name))
        })
    }

    fn merge(&self, shares: &[&str]) -> Ran {
        let output = loadtest()
            .args(["merge", "try.yaml", "--out", "merged.json"])
            .args(shares)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let kept = std::fs::read_to_string(self.file("merged.json")).unwrap_or_default();
        let result = serde_json::from_str(&kept).ok();
        Ran { code: output.status.code().unwrap(), said: said(&output), result, kept }
    }
}

fn read(file: &Path) -> RunResult {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn shares_that_are_sent_together_are_judged_as_the_one_load_that_they_are() {
    let (server, shared) =
        (Server::Right.start(), Shared::of(&Scenario { rate: 1_001, ..Scenario::default() }));
    let halves = shared.halves(&server);
    for half in &halves {
        // By itself a share shows nothing.
        assert_eq!(half.verdict.outcome, Outcome::Invalid);
    }
    assert_eq!(halves.each_ref().map(|half| half.phases[0].phase.rate), [Some(500), Some(501)]);

    let Ran { code, said, result, .. } = shared.merge(&["0-of-2", "1-of-2"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("PASS try: "), "{said}");
    let (merged, sum) = (result.unwrap(), |of: fn(&RunResult) -> u64| halves.iter().map(of).sum::<u64>());
    assert_eq!(merged.phases[0].phase.rate, Some(1_001));
    assert_eq!(merged.measurement().offered, 3_003);
    assert_eq!(merged.measurement().answers(), sum(|half| half.measurement().answers()));
    assert_eq!(merged.phases[0].seconds[1].answers, sum(|half| half.phases[0].seconds[1].answers));
    assert_eq!((merged.share, merged.other_machines.len()), (None, 1));

    for (shares, says) in [
        (&["1-of-2"][..], "the shares [1] are given, of 2 from 0"),
        (&["0-of-2", "0-of-2"], "the shares [0, 0] are given"),
        (&["0-of-2", "merged.json"], "is no share of a run"),
    ] {
        let Ran { code, said, .. } = shared.merge(shares);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_share_that_comes_too_late_sends_nothing() {
    let (server, shared) = (Server::Right.start(), Shared::of(&Scenario::default()));
    let output =
        shared.command("0/2", SystemTime::now() - Duration::from_secs(60), &server, "late").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("give --begin-at a time that leaves each machine enough"),
        "{}",
        said(&output)
    );
    assert_eq!(server.asked(), 0);
}

#[test]
fn what_a_share_saw_is_all_that_standard_output_gets_if_it_is_the_file() {
    let (server, shared) = (Server::Right.start(), Shared::of(&Scenario::default()));
    let output = shared.command("0/1", SystemTime::now() + AHEAD, &server, "-").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let result: RunResult = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!(result.share.unwrap().part.of, 1);
}

#[test]
fn without_a_working_copy_a_result_names_the_commit_of_the_image() {
    let (server, shared) = (Server::Right.start(), Shared::of(&Scenario::default()));
    let output = shared
        .command("0/1", SystemTime::now() + AHEAD, &server, "-")
        .env("LOADTEST_COMMIT", "0123456789abcdef")
        .output()
        .unwrap();
    let result: RunResult = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!(result.machine.commit, "0123456789abcdef");
}
