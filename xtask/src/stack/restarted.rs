//! A program that is started again each time that it ends, as `restart: unless-stopped` of compose.yaml and a cluster do
//! it. Must never know why it ended.

use std::path::Path;
use std::process::Command;

/// What is started does not outlive this shell, and its end by `TERM` is the shell's.
const SCRIPT: &str = r#"
trap 'kill "$process"; wait "$process"; exit $?' TERM
while :; do
  setpriv --pdeathsig KILL "$@" &
  process=$!
  echo "$process" > "$PID_FILE"
  wait "$process"
  sleep 1
done"#;

/// The command that does so; the program and its arguments are still to be added. `pid_file` holds the number of the
/// process that runs now.
pub(super) fn restarted(pid_file: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).env("PID_FILE", pid_file);
    command
}
