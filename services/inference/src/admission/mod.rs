//! Admission: how much each identity may ask, how often an address may be wrong about who it is, and how much is worked
//! on at once. Never looks at what a request says.
//!
//! A quota that is used up is the caller's (429, `error_source` `limit`); a full house is ours (503, `server`).

mod class;
mod clock;
mod keys;
mod peer;
mod places;
mod quota_policy;
mod rate;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use class::{Class, Classes, ClassesError, Entitlement};
pub use clock::Ticks;
pub use peer::Peers;
pub use quota_policy::QuotaPolicy;
pub use rate::{Burst, Pace};

use crate::api::ApiError;
use crate::identity::Identity;
use crate::telemetry::events::{self, QuotaOutcome};
use governor::clock::Clock as _;
use http::HeaderMap;
use keys::{Keys, Limiter};
use places::{Place, Places};

/// How long a client that found no place is asked to stay away. One second is the shortest that `Retry-After` can say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often keys that need not be remembered are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The most memory that a remembered identity or address takes: 25 bytes, in a table that is a quarter full at worst.
pub const BYTES_PER_KEY: usize = 100;

/// How much is admitted.
#[derive(Debug, Clone, clap::Args)]
pub struct AdmissionConfig {
    /// Most requests worked on at once; the next is answered 503. A request takes well under a millisecond of CPU, so
    /// that a full house is a queue of some tenths of a second on two cores
    #[arg(long, env = "INFERENCE_IN_FLIGHT", value_name = "REQUESTS", default_value_t = 512)]
    pub in_flight: usize,
    /// File with a quota class on each line: `NAME [rate=N/s burst=N] [places=P%] [sub=SUBJECT]... [claim:NAME=VALUE]...`.
    /// The first is everybody's who is in no other. Without a file nobody has a quota
    #[arg(long, env = "INFERENCE_QUOTA_CLASSES", value_name = "FILE")]
    pub quota_classes: Option<PathBuf>,
    /// Most identities whose use is remembered, 100 bytes each; those beyond share one identity's quota
    #[arg(long, env = "INFERENCE_QUOTA_KEYS", value_name = "IDENTITIES", default_value_t = 100_000)]
    pub quota_keys: usize,
    /// How many refused credentials an address (of IPv6: its /64) may send in the long run; beyond it is answered 429
    /// before credentials are looked at
    #[arg(long, env = "INFERENCE_REFUSALS_PER_ADDRESS", value_name = "RATE", default_value = "100/s")]
    pub refusals_per_address: Pace,
    /// How many refused credentials an address may send at once
    #[arg(long, env = "INFERENCE_REFUSALS_BURST", value_name = "NUMBER", default_value = "1000")]
    pub refusals_burst: Burst,
}

/// What a class may, ready to be asked.
#[derive(Debug)]
struct Allowed {
    class: String,
    quota: Option<(Arc<QuotaPolicy>, Limiter)>,
    places: usize,
}

/// A request that is let in: it holds a place until this is dropped.
#[derive(Debug)]
pub struct Admitted<'a> {
    _place: Place<'a>,
    /// What its caller may still ask at once, where it has a quota.
    left: Option<(&'a QuotaPolicy, u32)>,
}

/// Decides what is admitted.
#[derive(Debug)]
pub struct Admission {
    classes: Vec<Allowed>,
    keys: Keys,
    peers: Peers,
    places: Places,
    ticks: Ticks,
}

impl Admission {
    /// Admits what `config` and `classes` say, by the time that `ticks` tells.
    #[must_use]
    pub fn new(config: &AdmissionConfig, classes: &Classes, ticks: Ticks) -> Self {
        events::InFlightLimitSet { limit: config.in_flight }.emit();
        events::QuotaKeysLimitSet { limit: config.quota_keys }.emit();
        let keys = Keys::new(config.quota_keys);
        let allowed = |(id, entitlement): (u64, &Entitlement)| Allowed {
            class: entitlement.name.clone(),
            quota: entitlement.quota.map(|quota| {
                let policy = QuotaPolicy::new(&entitlement.name, quota);
                (Arc::new(policy), Limiter::new(id, quota, &keys, &ticks))
            }),
            places: places::share(config.in_flight, entitlement.places),
        };
        Self {
            classes: (0..).zip(classes.entitlements()).map(allowed).collect(),
            peers: Peers::new(rate::quota(config.refusals_per_address, config.refusals_burst), &ticks),
            keys,
            places: Places::new(),
            ticks,
        }
    }

    /// Those who sent more wrong credentials than an address may are not asked for more.
    #[must_use]
    pub const fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Takes one request from the identity's quota and a place to be held while it is worked on; what is public has no
    /// identity and takes a place of the default class. There is no waiting: it would only move the queue in here.
    ///
    /// # Errors
    /// [`ApiError::QuotaExceeded`] or, where no place is left, [`ApiError::Overloaded`].
    pub fn admit(&self, identity: Option<&Identity>) -> Result<Admitted<'_>, ApiError> {
        let Class(place) = identity.map_or(Class::default(), |identity| identity.class);
        let overloaded = || ApiError::Overloaded { retry_after: RETRY_AFTER };
        // An identity's class comes from the same classes.
        let allowed = self.classes.get(usize::from(place)).ok_or_else(overloaded)?;
        let left = identity.map_or(Ok(None), |identity| allowed.take(identity))?;
        let place = self.places.take(allowed.places).ok_or_else(overloaded)?;
        Ok(Admitted { _place: place, left })
    }

    /// Forgets, once a second and for ever, what need not be remembered.
    pub async fn keep_swept(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            self.sweep();
        }
    }

    fn sweep(&self) {
        let now = self.ticks.now();
        events::QuotaKeysSwept { keys: self.keys.sweep(now) }.emit();
        let _left = self.peers.sweep(now);
    }
}

impl Allowed {
    /// Takes one request from the identity's quota; gives what is left of it, where there is one.
    fn take(&self, identity: &Identity) -> Result<Option<(&QuotaPolicy, u32)>, ApiError> {
        let taken = self.quota.as_ref().map(|(policy, limiter)| (policy, limiter.take(&identity.subject)));
        let outcome = match taken {
            Some((_, Err(_))) => QuotaOutcome::Limited,
            _ => QuotaOutcome::Admitted,
        };
        events::QuotaDecided { class: &self.class, outcome }.emit();
        match taken {
            None => Ok(None),
            Some((policy, Ok(left))) => Ok(Some((policy, left))),
            Some((policy, Err(wait))) => Err(ApiError::QuotaExceeded {
                policy: Arc::clone(policy),
                retry_after: rate::whole_seconds(wait),
            }),
        }
    }
}

impl Admitted<'_> {
    /// Tells the caller, with the answer, what it may still ask.
    pub fn tell(&self, headers: &mut HeaderMap) {
        if let Some((policy, left)) = self.left {
            policy.say_left(left, headers);
        }
    }
}
