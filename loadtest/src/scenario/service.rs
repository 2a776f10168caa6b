//! How the service of a run differs from one that ships. Owns the words for it; what its options mean is the service's own
//! to say. Must never change what a target that is there does.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the service that is started for the run differs from one that ships.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceDefinition {
    /// So many of it, behind a balancer that takes each connection to the next one that is ready; without it, one.
    #[serde(default)]
    #[schemars(range(min = 2, max = 8))]
    pub(super) instances: Option<u32>,
    /// Settings of its command line, such as `--in-flight=8`.
    #[serde(default)]
    pub(super) options: Vec<String>,
    /// Each answer takes so much longer, such as `15ms`, and holds its place meanwhile: a build that does faults on request
    /// stands in for a model so slow that a generator beside it can ask for more than it can do.
    #[serde(default)]
    pub(super) answers_take: Option<String>,
    /// Each client may ask so much; without it, as much as there are places.
    #[serde(default)]
    pub(super) quota: Option<Quota>,
}

/// How much each client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests a second.
    #[schemars(range(min = 1))]
    pub rate: u32,
    /// So many at once after a pause.
    #[schemars(range(min = 1))]
    pub burst: u32,
}

/// The same, where it makes sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// So many of it; more than one are behind a balancer.
    pub instances: u32,
    /// Settings of its command line.
    pub options: Vec<String>,
    /// Each answer takes so much longer, in milliseconds; without a value it is the build that ships.
    pub answers_take_ms: Option<u64>,
    /// Each client may ask so much; without a value, as much as there are places.
    pub quota: Option<Quota>,
}

impl Default for Service {
    fn default() -> Self {
        Self { instances: 1, options: Vec::new(), answers_take_ms: None, quota: None }
    }
}

impl Service {
    /// Whether it is one that ships, as it starts by itself.
    #[must_use]
    pub fn is_as_shipped(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn answers_take(&self) -> Option<Duration> {
        self.answers_take_ms.map(Duration::from_millis)
    }
}
