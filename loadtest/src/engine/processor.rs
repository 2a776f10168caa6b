//! What the generator wants of the machine, by the kernel's count. Must never look at what it does.

use std::time::Duration;

use procfs::ProcError;
use procfs::process::Process;

use crate::latency::count;
use crate::measurement::Generator;

/// Processor time that processes used or waited for, between the first and the last look.
///
/// Waiting is counted because a generator beside a busy neighbour is as late as one that is busy itself.
#[derive(Debug, Default)]
pub(super) struct Usage {
    first: Option<Look>,
    last: Option<Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    since: Duration,
    wanted_nanoseconds: u64,
}

impl Usage {
    pub(super) fn look(
        &mut self,
        pids: impl IntoIterator<Item = u32>,
        since: Duration,
    ) -> Result<(), ProcError> {
        let mut wanted_nanoseconds = 0;
        for pid in pids {
            for task in Process::new(pid.cast_signed())?.tasks()? {
                // A thread that has just ended is not looked at any more.
                let Ok(schedule) = task.and_then(|task| task.schedstat()) else { continue };
                wanted_nanoseconds += schedule.sum_exec_runtime + schedule.run_delay;
            }
        }
        let look = Look { since, wanted_nanoseconds };
        self.first.get_or_insert(look);
        self.last = Some(look);
        Ok(())
    }

    /// What generators with so many threads together wanted, of what they could have had.
    pub(super) fn of_threads(&self, threads: u32) -> Generator {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Generator::default() };
        Generator {
            processor_seconds: count(last.wanted_nanoseconds.saturating_sub(first.wanted_nanoseconds)) / 1e9,
            available_seconds: last.since.saturating_sub(first.since).as_secs_f64() * f64::from(threads),
        }
    }
}
