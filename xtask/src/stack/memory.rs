//! A process that gets no more memory than a file says, when it starts. Where a cluster's kernel kills what takes more, here
//! the process is refused it, and ends.

use std::process::Command;

const LIMIT: &str = r#"exec prlimit --data="$(cat "$MEMORY")" "$@""#;

/// Has the command, to which the program and its arguments are still to be added, read the limit in `file`: bytes, or
/// `unlimited`.
pub(super) fn limit_by(command: &mut Command, file: &str) {
    command.args(["sh", "-c", LIMIT, "sh"]).env("MEMORY", file);
}
