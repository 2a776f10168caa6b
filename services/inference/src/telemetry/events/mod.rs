//! Owns what the service tells about itself: one struct per event, whose `emit` writes the log line and moves the
//! metric, so that no log can disagree with a counter. Nothing else in the crate may touch a metric, and no event may
//! carry a token, a key or a request body.
//!
//! Levels: what the service does to itself (a model loaded, a limit set) is `info`; what it refuses to a client is
//! `debug`, because a client must not be able to fill our logs; what went wrong on our side is `error`. What happens
//! on every request has no line above `debug`. Texts are recorded as strings and not as `%text`, because only strings
//! are quoted in text lines: what a client sent must not be able to begin a new line.

mod admission;
mod connections;
mod identity;
mod keys;
mod model;
mod prober;
mod requests;
mod tls;
mod traces;

pub use self::admission::{InFlightLimitSet, QuotaDecided, QuotaKeysLimitSet, QuotaKeysSwept};
pub use self::connections::{ConnectionClosed, ConnectionOpened, ConnectionRefused, ConnectionsLimitSet};
pub use self::identity::{
    CallerAccepted, CallerRefused, PeerLimited, TokenCacheFilled, TokenCacheLimitSet, TokenCacheLookup,
    TokenCacheResult,
};
pub use self::keys::{KeysChanged, KeysRefused, KeysUnchanged};
pub use self::model::{ModelLoaded, ModelRefused, ModelUnchanged, Predicted, RowOutOfDomain};
pub use self::prober::{Probed, TokenFileRefused};
pub use self::requests::{Laps, PhaseTimed, RequestRefused};
pub use self::tls::{CertificateRefused, TlsLoaded, TlsRefused, TlsReloaded, TlsUnchanged};
pub(super) use self::traces::{SpansExported, SpansLost};
pub use super::metrics::{Phase, ProbeResult, QuotaOutcome};
use super::{ErrorSource, installed};

/// Gauges are floats; beyond 2^53 they'd lose units, and no bound of this service comes near.
fn gauge(value: usize) -> f64 {
    u32::try_from(value).map_or(f64::from(u32::MAX), f64::from)
}
