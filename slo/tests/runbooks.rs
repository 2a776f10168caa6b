//! The runbooks of this repository, as `slo runbooks` judges them.

use std::process::Command;

#[test]
fn every_alert_has_a_page_that_can_be_followed() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new(env!("CARGO_BIN_EXE_slo")).args(["--root", root, "runbooks"]).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
}
