//! What a committed result was before.

use std::path::Path;
use std::process::Command;

use crate::harness::{Scenario, loadtest, run, said};
use crate::server::Server;

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"];
    let output = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn history(folder: &Path) -> (Option<i32>, String) {
    let output = loadtest().args(["history", "result.json"]).current_dir(folder).output().unwrap();
    (output.status.code(), said(&output))
}

#[test]
fn a_committed_result_is_shown_as_it_was_at_each_commit_and_without_commits_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = history(folder.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.starts_with("git knows no history of it: "), "{said}");

    git(folder.path(), &["init", "--quiet"]);
    let server = Server::Right.start();
    for rate in [100, 200] {
        let scenario = Scenario { rate, connections: 20, seconds: 1, objectives: &[], ..Scenario::default() };
        std::fs::write(folder.path().join("result.json"), run(&scenario.yaml(), server.address).kept)
            .unwrap();
        git(folder.path(), &["add", "result.json"]);
        git(folder.path(), &["commit", "--quiet", "--message", "measure"]);
    }
    let (code, said) = history(folder.path());
    let rows: Vec<_> = said.lines().skip(2).collect();
    assert_eq!((code, rows.len()), (Some(0), 2), "{said}");
    assert!(rows[0].contains(" | 100 | ") && rows[1].contains(" | 200 | "), "{said}");
    assert!(rows[1].ends_with(" | load |"), "{said}");
}
