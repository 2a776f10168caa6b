//! Whether spans reach their collector.

use std::fmt::Display;

use tracing::{info, warn};

/// The collector stopped taking spans. Said once, until it takes them again.
#[derive(Clone, Copy)]
pub(in crate::telemetry) struct SpansLost<'a> {
    pub(in crate::telemetry) endpoint: &'a str,
    pub(in crate::telemetry) error: &'a dyn Display,
}

impl SpansLost<'_> {
    pub(in crate::telemetry) fn emit(self) {
        warn!(
            endpoint = self.endpoint,
            error = self.error.to_string(),
            "spans are not exported; requests are unaffected"
        );
    }
}

/// The collector takes spans again.
#[derive(Clone, Copy)]
pub(in crate::telemetry) struct SpansExported<'a> {
    pub(in crate::telemetry) endpoint: &'a str,
}

impl SpansExported<'_> {
    pub(in crate::telemetry) fn emit(self) {
        info!(endpoint = self.endpoint, "spans are exported again");
    }
}
