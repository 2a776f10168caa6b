//! Remembers verified tokens, so that a signature is checked once and not with every request. Never holds a token: only
//! a keyed hash of it. What it remembers is worth something for as long as the key that a token was verified with is
//! valid; a refusal, for as long as the keys are the same.
//!
//! Refusals are remembered apart, few and not for long: a client that repeats a wrong token costs no signature each
//! time, and a flood of wrong tokens can't push out a right one.

use aws_lc_rs::error::Unspecified;
use highway::{HighwayHash as _, HighwayHasher, Key};
use quick_cache::sync::Cache;

use super::{Refusal, Verified, Verifier};
use crate::telemetry::events::{self, TokenCacheResult};

/// A hit lets a caller in, so a collision must not be findable. It is not: `HighwayHash` is a pseudorandom function
/// (Alakuijala, Cox and Wassenberg, 2016) under a key that never leaves the process, and nobody sees a digest; a guess
/// hits one of 2^14 tokens with a probability of 2^-114. SHA-256 costs many times as much where the processor has no
/// instructions for it, and a remembered token is to cost a tenth of a request at most (`cargo xtask bench auth`).
type Digest = [u64; 2];

/// How many refusals are remembered: as many clients repeat a wrong token at the same time as there may be connections.
const REFUSALS: usize = 1000;

/// How long a refusal is remembered, in seconds: not long enough to matter to who mends a token or a key.
const REFUSAL_SECONDS: u64 = 10;

/// Verified tokens, bounded in number and in age.
pub struct TokenCache {
    /// Under a key of its own.
    keyed: HighwayHasher,
    entries: Cache<Digest, Entry>,
    refusals: Cache<Digest, Refused>,
    max_age: u64,
}

#[derive(Clone)]
struct Entry {
    verified: Verified,
    since: u64,
}

#[derive(Clone, Copy)]
struct Refused {
    refusal: Refusal,
    since: u64,
    /// The set of keys that it was refused by.
    generation: u64,
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
    pub fn new(entries: usize, max_age: u64) -> Result<Self, Unspecified> {
        events::TokenCacheLimitSet { limit: entries }.emit();
        Ok(Self {
            keyed: HighwayHasher::new(key()?),
            entries: Cache::new(entries),
            refusals: Cache::new(REFUSALS),
            max_age,
        })
    }

    /// What is known of `token`, or what `verifier` finds. The times are looked at on every call.
    ///
    /// # Errors
    /// The [`Refusal`] that says what is wrong with the token.
    pub fn verify(&self, token: &[u8], verifier: &Verifier) -> Result<Verified, Refusal> {
        let digest = self.digest(token);
        let now = verifier.now();
        let keys = verifier.keys(now)?;
        let known = self
            .entries
            .get(&digest)
            .filter(|entry| is_younger(entry.since, now, self.max_age) && keys.has(entry.verified.key));
        if let Some(Entry { verified, .. }) = known {
            events::TokenCacheLookup { result: TokenCacheResult::Hit }.emit();
            verified.check_times(now, verifier.leeway()).inspect_err(|_over| {
                self.entries.remove(&digest);
            })?;
            return Ok(verified);
        }
        let generation = keys.generation();
        let refused = self.refusals.get(&digest).filter(|refused| {
            is_younger(refused.since, now, REFUSAL_SECONDS) && refused.generation == generation
        });
        if let Some(Refused { refusal, .. }) = refused {
            events::TokenCacheLookup { result: TokenCacheResult::Refused }.emit();
            return Err(refusal);
        }
        events::TokenCacheLookup { result: TokenCacheResult::Miss }.emit();
        let token = std::str::from_utf8(token).ok().filter(|token| token.is_ascii());
        let token = token.ok_or(Refusal::MalformedHeader)?;
        let verified = verifier.verify_with(&keys, token, now).inspect_err(|refusal| {
            if refusal.is_final() {
                self.refusals.insert(digest, Refused { refusal: *refusal, since: now, generation });
            }
        })?;
        self.entries.insert(digest, Entry { verified: verified.clone(), since: now });
        events::TokenCacheFilled { entries: self.entries.len() }.emit();
        Ok(verified)
    }

    fn digest(&self, token: &[u8]) -> Digest {
        self.keyed.clone().hash128(token)
    }
}

/// Whether less than `seconds` have gone by. What is from the future was noted while the clock was wrong, and is worth
/// nothing.
fn is_younger(since: u64, now: u64, seconds: u64) -> bool {
    now.checked_sub(since).is_some_and(|age| age < seconds)
}

/// A key that nobody else has.
fn key() -> Result<Key, Unspecified> {
    let mut words = [0; 4];
    for word in &mut words {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes)?;
        *word = u64::from_ne_bytes(bytes);
    }
    Ok(Key(words))
}
