//! Remembers verified tokens, so that a signature is checked once and not with every request. Never holds a token: only
//! a keyed hash of it. Remembers no refusal.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use quick_cache::sync::Cache;

use super::{Refusal, Verified, Verifier};
use crate::telemetry::events;

/// The key's hash function; a hit lets a caller in, so a collision must not be findable.
const HASH: hmac::Algorithm = hmac::HMAC_SHA256;

type Digest = [u8; 32];

/// Verified tokens, bounded in number and in age.
pub struct TokenCache {
    key: hmac::Key,
    entries: Cache<Digest, Entry>,
    max_age: u64,
}

#[derive(Clone)]
struct Entry {
    verified: Verified,
    since: u64,
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TokenCache").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl TokenCache {
    /// A cache for `entries` tokens, each remembered for at most `max_age` seconds, under a key of its own.
    ///
    /// # Errors
    /// Where the system has no randomness to make the key from.
    pub fn new(entries: usize, max_age: u64) -> Result<Self, aws_lc_rs::error::Unspecified> {
        events::TokenCacheLimitSet { limit: entries }.emit();
        let key = hmac::Key::generate(HASH, &SystemRandom::new())?;
        Ok(Self { key, entries: Cache::new(entries), max_age })
    }

    /// What is known of `token`, or what `verifier` finds. The times are looked at on every call.
    ///
    /// # Errors
    /// The [`Refusal`] that says what is wrong with the token.
    pub fn verify(&self, token: &str, verifier: &Verifier) -> Result<Verified, Refusal> {
        let digest = self.digest(token)?;
        let now = verifier.now();
        let known = self.entries.get(&digest).filter(|entry| now.saturating_sub(entry.since) < self.max_age);
        events::TokenCacheLookup { hit: known.is_some() }.emit();
        if let Some(Entry { verified, .. }) = known {
            verified.check_times(now, verifier.leeway()).inspect_err(|_over| {
                self.entries.remove(&digest);
            })?;
            return Ok(verified);
        }
        let verified = verifier.verify(token)?;
        self.entries.insert(digest, Entry { verified: verified.clone(), since: now });
        events::TokenCacheFilled { entries: self.entries.len() }.emit();
        Ok(verified)
    }

    fn digest(&self, token: &str) -> Result<Digest, Refusal> {
        let tag = hmac::sign(&self.key, token.as_bytes());
        tag.as_ref().try_into().map_err(|_other_length| Refusal::Malformed)
    }
}
