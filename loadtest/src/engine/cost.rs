//! What the service takes of the machine while it is asked, by the kernel's count. Must never look at what it does.

use std::collections::BTreeMap;
use std::time::Duration;

use procfs::process::Process;
use procfs::{ProcResult, page_size, ticks_per_second};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::latency::count;

/// Processor and memory that a process took over some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Processor time that it used, in seconds.
    pub processor_seconds: f64,
    /// How long it was looked at, in seconds.
    pub seconds: f64,
    /// The most memory that was resident, in bytes.
    pub resident_bytes: u64,
}

/// A process that is looked at again and again: what it took in each second.
#[derive(Debug)]
pub(super) struct Watched {
    pid: u32,
    last: Option<Look>,
    seconds: BTreeMap<u64, Cost>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    since: Duration,
    ticks: u64,
    resident_bytes: u64,
}

impl Cost {
    /// Cores that it used, on the average.
    #[must_use]
    pub fn cores(&self) -> f64 {
        if self.seconds > 0.0 { self.processor_seconds / self.seconds } else { 0.0 }
    }

    /// With that of another time.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            processor_seconds: self.processor_seconds + other.processor_seconds,
            seconds: self.seconds + other.seconds,
            resident_bytes: self.resident_bytes.max(other.resident_bytes),
        }
    }
}

impl Watched {
    pub(super) const fn new(pid: u32) -> Self {
        Self { pid, last: None, seconds: BTreeMap::new() }
    }

    /// Notes what it has taken since the last look. One that has ended takes nothing more, which is no error: what a
    /// target does is told by its answers.
    pub(super) fn look(&mut self, since: Duration) {
        if let Ok(look) = Look::at(self.pid, since) {
            self.note(look);
        }
    }

    fn note(&mut self, look: Look) {
        let Some(last) = self.last.replace(look) else { return };
        let second = self.seconds.entry(last.since.as_secs()).or_default();
        *second = second.and(&last.until(&look));
    }

    /// In that second from 0, if it was there.
    pub(super) fn in_second(&self, second: u64) -> Option<Cost> {
        self.seconds.get(&second).copied()
    }

    /// In all seconds, if it was there in one.
    pub(super) fn in_all(&self) -> Option<Cost> {
        self.seconds.values().copied().reduce(|sum, cost| sum.and(&cost))
    }
}

impl Look {
    fn at(pid: u32, since: Duration) -> ProcResult<Self> {
        // Threads that have ended are counted in it.
        let stat = Process::new(pid.cast_signed())?.stat()?;
        Ok(Self { since, ticks: stat.utime + stat.stime, resident_bytes: stat.rss * page_size() })
    }

    fn until(&self, later: &Self) -> Cost {
        Cost {
            processor_seconds: count(later.ticks.saturating_sub(self.ticks)) / count(ticks_per_second()),
            seconds: later.since.saturating_sub(self.since).as_secs_f64(),
            resident_bytes: later.resident_bytes.max(self.resident_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_what_was_taken_in_it_and_what_lasts_longer_belongs_to_the_second_in_which_it_began() {
        let mut watched = Watched::new(0);
        let ticks = ticks_per_second();
        for (milliseconds, share, resident_bytes) in
            [(0, 0, 5), (500, 1, 7), (1_000, 2, 6), (2_000, 4, 6), (3_500, 4, 9)]
        {
            let since = Duration::from_millis(milliseconds);
            watched.note(Look { since, ticks: share * ticks / 4, resident_bytes });
        }
        let seen: Vec<_> = watched
            .seconds
            .values()
            .map(|cost| (cost.processor_seconds, cost.seconds, cost.resident_bytes))
            .collect();
        assert_eq!(seen, [(0.5, 1.0, 7), (0.5, 1.0, 6), (0.0, 1.5, 9)]);
    }

    #[test]
    fn a_process_that_is_there_takes_memory_and_one_that_is_not_takes_nothing() {
        let cost = |pid| {
            let mut watched = Watched::new(pid);
            watched.look(Duration::ZERO);
            watched.look(Duration::from_millis(10));
            watched.in_all()
        };
        assert!(cost(std::process::id()).unwrap().resident_bytes > 0);
        assert_eq!(cost(u32::MAX), None);
    }
}
