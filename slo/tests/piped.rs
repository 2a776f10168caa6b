//! The program as a part of a pipe.

use std::io::pipe;
use std::process::Command;

#[test]
fn nobody_reading_on_is_no_error() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut explain = Command::new(env!("CARGO_BIN_EXE_slo"));
    let output = explain.args(["--root", root, "explain", "ApiLatencyBurn"]).stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success(), "{}", output.status);
}
