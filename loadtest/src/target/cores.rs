//! Cores of their own for the service and for what loads it, so that neither takes the other's time. Must never leave the
//! harness with less than it had before.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// As long as this lives, what the thread starts runs beside the first core, which is the service's; where there is only
/// one, they share it.
#[derive(Debug)]
pub(super) struct Apart {
    all: CpuSet,
    first: CpuSet,
    others: CpuSet,
}

impl Apart {
    /// Sets the first core apart of those that the thread may use.
    pub(super) fn new() -> io::Result<Self> {
        let all = sched_getaffinity(None)?;
        let (mut first, mut others) = (CpuSet::new(), all);
        match (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)) {
            Some(core) if all.count() > 1 => {
                first.set(core);
                others.unset(core);
            }
            _ => first = all,
        }
        sched_setaffinity(None, &others)?;
        Ok(Self { all, first, others })
    }

    /// Starts something on the service's core.
    pub(super) fn start<T>(&self, service: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        sched_setaffinity(None, &self.first)?;
        let started = service()?;
        sched_setaffinity(None, &self.others)?;
        Ok(started)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // It was allowed before.
        let _restored = sched_setaffinity(None, &self.all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_has_a_core_that_nothing_else_has_until_it_is_over() {
        let before = sched_getaffinity(None).unwrap();
        let apart = Apart::new().unwrap();
        let service = apart.start(|| Ok(sched_getaffinity(None)?)).unwrap();
        let harness = sched_getaffinity(None).unwrap();
        let shared = (0..CpuSet::MAX_CPU).any(|core| service.is_set(core) && harness.is_set(core));
        assert_eq!(shared, before.count() == 1);
        assert_eq!(service.count(), 1);
        drop(apart);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
