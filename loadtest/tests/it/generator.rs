//! The generator is a process of its own: it ends with the run, however that ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use procfs::process::{Process, all_processes};

use crate::harness::{Scenario, loadtest};
use crate::server::Server;

/// Far beyond what any of this takes.
const LIMIT: Duration = Duration::from_secs(30);

fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < LIMIT, "nothing came of it");
        std::thread::yield_now();
    }
}

fn child_of(pid: u32) -> Option<Process> {
    let is_child = |process: &Process| process.stat().is_ok_and(|stat| stat.ppid == pid.cast_signed());
    all_processes().unwrap().filter_map(Result::ok).find(is_child)
}

#[test]
fn a_run_that_is_killed_sends_no_more_requests() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::Right.start());
    std::fs::write(folder.path().join("try.yaml"), Scenario { seconds: 600, ..Scenario::default() }.yaml())
        .unwrap();
    std::fs::write(folder.path().join("token"), "any").unwrap();
    let mut run = loadtest()
        .args(["run", "try.yaml", "--token-file", "token", "--target"])
        .arg(format!("http://{}", server.address))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let generator = until(|| child_of(run.id()));
    until(|| (server.asked() > 0).then_some(()));
    run.kill().unwrap();
    run.wait().unwrap();
    until(|| generator.stat().map_or(true, |stat| stat.state == 'Z').then_some(()));
}
