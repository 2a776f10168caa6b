//! Slows whoever guesses credentials, by address. Counted are refused credentials and not requests: many callers may
//! stand behind one address, and what they do with credentials that are right is their quotas' business. A request
//! without credentials is no guess.
//!
//! The address is that of the connection's other end, or of the client that a trusted proxy there names; never one
//! that somebody else writes into a header.

use std::net::{IpAddr, SocketAddr};

use governor::Quota;
use governor::nanos::Nanos;

use super::keys::{Keys, Limiter};
use super::{Ticks, rate};
use crate::api::ApiError;
use crate::telemetry::events;

/// Most addresses remembered. Those beyond share one address's rate.
const ADDRESSES: usize = 100_000;

/// Addresses that sent wrong credentials.
#[derive(Debug)]
pub struct Peers {
    keys: Keys,
    limiter: Limiter,
}

impl Peers {
    pub(super) fn new(quota: Quota, ticks: &Ticks) -> Self {
        let keys = Keys::new(ADDRESSES);
        Self { limiter: Limiter::new(0, quota, &keys, ticks), keys }
    }

    /// Forgets those that may be wrong as often as ever; returns how many are left.
    pub(super) fn sweep(&self, now: Nanos) -> usize {
        self.keys.sweep(now)
    }

    /// To be asked before credentials are looked at.
    ///
    /// # Errors
    /// [`ApiError::TooManyRefusals`] where too many from this address were wrong.
    pub fn check(&self, address: SocketAddr) -> Result<(), ApiError> {
        self.limiter.check(network(address.ip())).map_err(|wait| {
            events::PeerLimited.emit();
            ApiError::TooManyRefusals { retry_after: rate::whole_seconds(wait) }
        })
    }

    /// Credentials from this address were refused.
    pub fn refused(&self, address: SocketAddr) {
        // What it has to wait is said to the next request.
        let _wait = self.limiter.take(network(address.ip()));
    }
}

/// What one caller can choose among: of IPv6 everybody has a /64 of addresses (RFC 6177 §2).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::another("192.0.2.1", "192.0.2.2", false)]
    #[case::mapped("::ffff:192.0.2.1", "192.0.2.1", true)]
    #[case::of_one_network("2001:db8::1", "2001:db8::ffff:1", true)]
    #[case::of_the_next_network("2001:db8::1", "2001:db8:0:1::1", false)]
    fn an_address_is_slowed_with_its_network(
        #[case] guesser: &str,
        #[case] other: &str,
        #[case] slowed: bool,
    ) {
        let clock = Arc::new(AtomicU64::new(0));
        let quota = rate::quota("1/s".parse().unwrap(), "2".parse().unwrap());
        let peers = Peers::new(quota, &Ticks::Manual(Arc::clone(&clock)));
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 1);
        peers.refused(at(guesser));
        assert!(peers.check(at(other)).is_ok());
        peers.refused(at(guesser));
        assert_eq!(peers.check(at(other)).is_err(), slowed);
        clock.store(1_000_000_000, Ordering::Relaxed);
        assert!(peers.check(at(other)).is_ok());
    }

    #[test]
    fn an_address_is_forgotten_when_there_is_nothing_to_remember_of_it() {
        let clock = Arc::new(AtomicU64::new(0));
        let quota = rate::quota("1/s".parse().unwrap(), "2".parse().unwrap());
        let peers = Peers::new(quota, &Ticks::Manual(clock));
        peers.refused("192.0.2.1:1".parse().unwrap());
        peers.refused("192.0.2.2:1".parse().unwrap());
        assert_eq!(peers.sweep(0.into()), 2);
        assert_eq!(peers.sweep(3_000_000_000.into()), 0);
    }
}
