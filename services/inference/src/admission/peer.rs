//! Slows whoever guesses credentials, by address. Counted are refused credentials and not requests: many callers may
//! stand behind one address, and what they do with credentials that are right is their quotas' business. A request
//! without credentials is no guess.
//!
//! The address is that of the connection, never one that a header tells: anybody can write a header.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::keys::Keys;
use super::rate::{self, Nanos, Rate};
use crate::api::ApiError;
use crate::telemetry::events;

/// Most addresses remembered. Those beyond share one address's rate.
const ADDRESSES: usize = 100_000;

/// Addresses that sent wrong credentials.
#[derive(Debug)]
pub(super) struct Peers {
    keys: Keys,
    rate: Rate,
}

impl Peers {
    pub(super) fn new(rate: Rate) -> Self {
        Self { keys: Keys::new(ADDRESSES), rate }
    }

    pub(super) fn sweep(&self, now: Nanos) {
        self.keys.sweep(now);
    }
}

/// Counts what addresses got wrong, at one moment.
#[derive(Debug)]
pub struct Counter<'a> {
    pub(super) peers: &'a Peers,
    pub(super) now: Nanos,
}

impl Counter<'_> {
    /// To be asked before credentials are looked at.
    ///
    /// # Errors
    /// [`ApiError::TooManyRefusals`] where too many from this address were wrong.
    pub fn check(&self, address: SocketAddr) -> Result<(), ApiError> {
        let Peers { keys, rate } = self.peers;
        let wait = keys.wait(network(address.ip()), *rate, self.now);
        if wait == Duration::ZERO {
            return Ok(());
        }
        events::PeerLimited.emit();
        Err(ApiError::TooManyRefusals { retry_after: rate::whole_seconds(wait) })
    }

    /// Credentials from this address were refused.
    pub fn refused(&self, address: SocketAddr) {
        let Peers { keys, rate } = self.peers;
        // What it has to wait is said to the next request.
        let _wait = keys.take(network(address.ip()), *rate, self.now);
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
        let peers = Peers::new(Rate::new("1/s".parse().unwrap(), 2));
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 1);
        let now = |now| Counter { peers: &peers, now };
        now(0).refused(at(guesser));
        assert!(now(0).check(at(other)).is_ok());
        now(0).refused(at(guesser));
        assert_eq!(now(0).check(at(other)).is_err(), slowed);
        assert!(now(1_000_000_000).check(at(other)).is_ok());
    }
}
