//! A process and all that it started, as the kernel counts them: most peers are a parent with workers.

use procfs::process::{Process, all_processes};

use super::super::spread::figure;

/// What they took so far, and hold now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Processor time, in seconds.
    pub(super) processor_seconds: f64,
    /// Memory, in bytes; what several of them share counts once.
    pub(super) resident_bytes: u64,
}

/// Looks at a process and its descendants.
pub(super) fn look(root: u32) -> anyhow::Result<Taken> {
    let per_second = figure(procfs::ticks_per_second());
    let mut taken = Taken { processor_seconds: 0.0, resident_bytes: 0 };
    for process in family(i32::try_from(root)?)? {
        let stat = process.stat()?;
        taken.processor_seconds += figure(stat.utime + stat.stime) / per_second;
        let maps = process.smaps_rollup()?.memory_map_rollup;
        taken.resident_bytes += maps.iter().filter_map(|map| map.extension.map.get("Pss")).sum::<u64>();
    }
    Ok(taken)
}

fn family(root: i32) -> anyhow::Result<Vec<Process>> {
    let parents: Vec<(i32, i32)> = all_processes()?
        .filter_map(|process| process.and_then(|process| process.stat()).ok())
        .map(|stat| (stat.ppid, stat.pid))
        .collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(member) = family.get(next).copied() {
        family.extend(parents.iter().filter(|(parent, _)| *parent == member).map(|(_, child)| child));
        next += 1;
    }
    family.into_iter().map(|member| Ok(Process::new(member)?)).collect()
}
