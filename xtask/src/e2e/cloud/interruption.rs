//! Two applies at once, and one that is cut off on the way and completed.
//!
//! Cut off as GitHub cuts off a job: by SIGINT, while it waits for the load balancer and for nothing else. Must never do so
//! while something of [`NOTED_LATE`] is being made: it would be there and in no state. What to do then stands in
//! infra/README.md.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::estate::Terraform;
use super::progress::{self, APPLY, Changes, Progress};

/// So many resources are there when the second apply comes: enough for the first to be on its way for sure.
const SECOND_COMES_AT: usize = 20;

/// What the provider takes note of when it is ready, and not when AWS has made it; all of them are made when the first apply
/// is cut off.
const NOTED_LATE: [(&str, usize); 4] = [
    ("aws_launch_template", 2),
    ("aws_autoscaling_group", 1),
    ("aws_eks_node_group", 1),
    ("aws_eks_addon", 6),
];

/// What the first apply then still waits for, for a minute.
const WAITED_FOR: &str = "aws_lb";

/// Far beyond what an apply takes.
const LIMIT: Duration = Duration::from_secs(240);

/// What was seen.
#[derive(Debug)]
pub(super) struct Interrupted {
    /// Resources that were there when the apply was cut off.
    pub(super) made: usize,
    /// What the next apply then changed.
    pub(super) completed: Changes,
}

pub(super) fn run(root: &Terraform, settings: &[&str]) -> anyhow::Result<Interrupted> {
    let mut first = Running::begin(root, APPLY, settings)?;
    first.until(|progress| progress.made() >= SECOND_COMES_AT)?;

    let refused = root.refused("apply -auto-approve -no-color", settings)?;
    ensure!(
        refused.contains("Error acquiring the state lock") && refused.contains("PreconditionFailed"),
        "the second apply was not refused by the lock:\n{refused}"
    );
    ensure!(!refused.contains("Creating..."), "the second apply made something:\n{refused}");

    let all_made = |progress: &Progress| NOTED_LATE.iter().all(|(kind, all)| progress.made_of(kind) == *all);
    first.until(|progress| all_made(progress) && progress.makes_only(WAITED_FOR))?;
    let made = first.cut_off()?;
    let completed = progress::changes(&root.run(APPLY, settings)?)?;
    Ok(Interrupted { made, completed })
}

/// An apply while it runs; killed when dropped before its end.
#[derive(Debug)]
struct Running {
    child: Child,
    lines: Receiver<String>,
    progress: Progress,
    begun: Instant,
}

impl Running {
    fn begin(root: &Terraform, command: &str, settings: &[&str]) -> anyhow::Result<Self> {
        let mut child = root.begin(command, settings)?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        // A thread of its own, or the apply would stand still whenever nobody reads.
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { child, lines, progress: Progress::default(), begun: Instant::now() })
    }

    /// Reads on until it is so.
    fn until(&mut self, is_so: impl Fn(&Progress) -> bool) -> anyhow::Result<()> {
        while !is_so(&self.progress) {
            let left = LIMIT.saturating_sub(self.begun.elapsed());
            let line = self.lines.recv_timeout(left).map_err(|error| {
                let how = match error {
                    RecvTimeoutError::Disconnected => "ended",
                    RecvTimeoutError::Timeout => "took too long",
                };
                let (made, errors) = (self.progress.made(), self.progress.errors().join("\n"));
                anyhow!("the apply {how} with {made} resources made:\n{errors}")
            })?;
            self.progress.note(&line);
        }
        Ok(())
    }

    /// Tells it to stop, and says how many resources it made.
    fn cut_off(mut self) -> anyhow::Result<usize> {
        kill_process(Pid::from_child(&self.child), Signal::INT).context("cannot send SIGINT")?;
        let status = self.child.wait()?;
        ensure!(!status.success(), "the apply was done before it could be cut off");
        while let Ok(line) = self.lines.recv() {
            self.progress.note(&line);
        }
        Ok(self.progress.made())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
