//! Owns what the process tells about itself: its memory, its files, its processor time and when it began. Read when
//! somebody looks, so it must never be on the path of a request.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Recorder};
use metrics_process::collector;

use super::instruments::{METADATA, describe, key};
use super::series::{self, Series};

/// Handles of the process' own metrics, of the service as of the prober.
#[derive(Clone)]
pub(super) struct ProcessInstruments(Arc<Handles>);

struct Handles {
    start_time: Gauge,
    processor_time: Counter,
    resident_memory: Gauge,
    open_files: Gauge,
    open_files_limit: Gauge,
}

impl std::fmt::Debug for ProcessInstruments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessInstruments").finish_non_exhaustive()
    }
}

impl ProcessInstruments {
    pub(super) fn new(recorder: &dyn Recorder) -> Self {
        describe(recorder, series::PROCESS);
        let gauge = |series: Series| recorder.register_gauge(&key(series, vec![]), &METADATA);
        Self(Arc::new(Handles {
            start_time: gauge(series::PROCESS_START_TIME),
            processor_time: recorder.register_counter(&key(series::PROCESS_CPU, vec![]), &METADATA),
            resident_memory: gauge(series::PROCESS_RESIDENT_MEMORY),
            open_files: gauge(series::PROCESS_OPEN_FDS),
            open_files_limit: gauge(series::PROCESS_MAX_FDS),
        }))
    }

    /// Sets all to what they are now; what the system does not tell stays as it was.
    pub(super) fn look(&self) {
        let Handles { start_time, processor_time, resident_memory, open_files, open_files_limit } = &*self.0;
        let now = collector::collect();
        if let Some(used) = now.cpu_seconds_total.and_then(|used| Duration::try_from_secs_f64(used).ok()) {
            processor_time.absolute(used.as_secs());
        }
        for (gauge, value) in [
            (start_time, now.start_time_seconds),
            (resident_memory, now.resident_memory_bytes),
            (open_files, now.open_fds),
            (open_files_limit, now.max_fds),
        ] {
            if let Some(value) = value {
                #[expect(clippy::cast_precision_loss, reason = "bytes and seconds are far below 2^53")]
                gauge.set(value as f64);
            }
        }
    }
}
