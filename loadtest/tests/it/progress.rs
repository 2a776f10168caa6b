//! What a person sees who watches a run on a terminal.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Scenario, said};

#[test]
fn who_watches_on_a_terminal_sees_what_the_service_answers_meanwhile() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("try.yaml");
    std::fs::write(&file, Scenario::gentle(4).yaml()).unwrap();
    let run = format!("{} run {}", env!("CARGO_BIN_EXE_loadtest"), file.display());
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &run, "/dev/null"])
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("/s answered, ") && said.contains("/s with 200; "), "{said}");
    assert!(said.contains("\r\nPASS try: "), "the verdict has a line for itself: {said}");
}
