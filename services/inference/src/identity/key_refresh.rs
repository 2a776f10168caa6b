//! Keeps the keys as new as their source: reads it when the time has come, when a request asks for it, on `SIGHUP`.
//! The only place that replaces keys. Never lets go of good keys because newer ones cannot be had, until they are too
//! old.

use std::time::Duration;

use humantime::parse_duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::key_source::KeyReader;
use super::refetch::Refetch;
use super::{Change, Clock, IdentityConfig, KeySet, KeySource, KeySourceError, KeyStore};
use crate::admission::Ticks;
use crate::config::some_time;
use crate::telemetry::events;

/// How long to wait after a first failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest wait after a failure: when keys can be had again, they are had half a minute later.
pub(super) const RETRY_MOST: Duration = Duration::from_secs(30);

/// How keys are kept up to date.
#[derive(Debug, Clone, clap::Args)]
pub struct KeyRefreshConfig {
    /// PEM file with the authorities that the server of `--jwks` is trusted by, in place of those that Mozilla trusts
    #[arg(long, env = "INFERENCE_JWKS_CA", value_name = "FILE", requires = "jwks")]
    pub jwks_ca: Option<std::path::PathBuf>,
    /// How often keys are fetched from a URL. A key that is taken out of the set stops working this much, and one fetch,
    /// later at the latest
    #[arg(long, env = "INFERENCE_JWKS_REFRESH", value_name = "DURATION", default_value = "5min", value_parser = some_time)]
    pub jwks_refresh: Duration,
    /// How long after a token with an unknown `kid` had keys fetched another one may do so
    #[arg(long, env = "INFERENCE_JWKS_COOLDOWN", value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub jwks_cooldown: Duration,
    /// How long keys are used that cannot be fetched again; tokens are then answered 503 until they can
    #[arg(long, env = "INFERENCE_JWKS_MAX_AGE", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub jwks_max_age: Duration,
    /// How long one fetch may take, and how long a token with an unknown `kid` waits for it
    #[arg(long, env = "INFERENCE_JWKS_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = some_time)]
    pub jwks_timeout: Duration,
    /// How often a file with keys is read again
    #[arg(long, env = "INFERENCE_KEYS_POLL", value_name = "DURATION", default_value = "2s", value_parser = some_time)]
    pub keys_poll: Duration,
}

/// Keeps one [`KeyStore`] up to date.
#[derive(Debug)]
pub struct KeyRefresh {
    reader: KeyReader,
    store: KeyStore,
    clock: Clock,
    every: Duration,
    /// How long keys are trusted after they were last seen at their source, in seconds; `None`: for ever.
    max_age: Option<u64>,
    /// What the last try failed with.
    failed: Option<String>,
    failures: u32,
}

impl KeyRefresh {
    /// Reads a file at once. What is at an address is fetched by [`keep_fresh`](Self::keep_fresh): its server may be
    /// away for a moment, and a service that is not ready says so, where one that has ended cannot.
    ///
    /// # Errors
    /// [`KeySourceError`], which names the setting and what would be right.
    pub async fn start(
        source: KeySource,
        config: &IdentityConfig,
        clock: Clock,
        ticks: Ticks,
    ) -> Result<Self, KeySourceError> {
        let refresh = &config.refresh;
        let reader = KeyReader::new(source, config)?;
        let remote = reader.is_remote();
        let refetch = remote.then(|| Refetch::new(refresh.jwks_cooldown, refresh.jwks_timeout, ticks));
        let mut this = Self {
            reader,
            store: KeyStore::empty(refetch),
            clock,
            every: if remote { refresh.jwks_refresh } else { refresh.keys_poll },
            max_age: remote.then_some(refresh.jwks_max_age.as_secs()),
            failed: None,
            failures: 0,
        };
        if !remote {
            let keys = this.reader.read().await?;
            this.accept(keys, this.clock.now());
        }
        Ok(this)
    }

    /// The keys that are kept up to date.
    #[must_use]
    pub fn store(&self) -> KeyStore {
        self.store.clone()
    }

    /// Reads the source once.
    ///
    /// # Errors
    /// [`KeySourceError`]; the keys stay those that they are.
    pub async fn refresh(&mut self) -> Result<Change, KeySourceError> {
        // Before the source is asked: what it then says is at least as new.
        let now = self.clock.now();
        match self.reader.read().await {
            Ok(keys) => Ok(self.accept(keys, now)),
            // The issuer has taken back all of its keys, and says so: they are to stop working.
            Err(error) if self.store.is_loaded() && error.is_withdrawal() => {
                Ok(self.accept(KeySet::default(), now))
            }
            Err(error) => {
                let text = error.to_string();
                events::KeysRefused { error: &text, again: self.failed.as_ref() == Some(&text) }.emit();
                self.failed = Some(text);
                self.failures = self.failures.saturating_add(1);
                Err(error)
            }
        }
    }

    fn accept(&mut self, keys: KeySet, now: u64) -> Change {
        let count = keys.len();
        let trusted_until = self.max_age.map_or(u64::MAX, |age| now.saturating_add(age));
        let change = self.store.put(keys, trusted_until);
        match change {
            Change::Changed => events::KeysChanged { keys: count, at: now }.emit(),
            Change::Unchanged => events::KeysUnchanged { at: now }.emit(),
        }
        self.failed = None;
        self.failures = 0;
        change
    }

    /// Refreshes for as long as the service runs.
    ///
    /// Files are read rather than watched: a Kubernetes volume changes by swapping a symbolic link two levels up, which
    /// file watches miss.
    ///
    /// # Errors
    /// Where the signal's handler cannot be installed.
    pub async fn keep_fresh(mut self) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let store = self.store.clone();
        let asked = || async {
            match store.refetch() {
                Some(refetch) => refetch.asked().await,
                None => std::future::pending().await,
            }
        };
        loop {
            let due = pause(self.every, self.failures, store.is_loaded(), permille());
            let ticket = tokio::select! {
                ticket = asked() => Some(ticket),
                () = sleep(due) => None,
                _ = hangup.recv() => None,
            };
            // Told by its event; the next try comes sooner.
            let _failed = self.refresh().await;
            if let (Some(refetch), Some(ticket)) = (store.refetch(), ticket) {
                refetch.answer(ticket);
            }
        }
    }
}

/// How long to wait for the next try. Never longer than `every`, which is what a revoked key is told to last; shorter
/// by chance, so that the replicas of the service do not ask all at once. None before the first try of one that has no keys.
fn pause(every: Duration, failures: u32, has_keys: bool, permille: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else {
        if !has_keys {
            return Duration::ZERO;
        }
        return every.saturating_sub(every / 10_000 * permille);
    };
    let backoff = RETRY_FIRST.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
    let backoff = backoff.min(RETRY_MOST).min(every);
    backoff.saturating_sub(backoff / 2_000 * permille)
}

/// Between 0 and 1000, by chance; 0 where the system has no randomness.
fn permille() -> u32 {
    let mut bytes = [0; 4];
    let _filled = aws_lc_rs::rand::fill(&mut bytes);
    u32::from_ne_bytes(bytes) % 1001
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn failures_are_retried_ever_more_slowly_but_within_half_a_minute() {
        let minutes = Duration::from_secs(300);
        let tries: Vec<_> = (1..9).map(|failures| pause(minutes, failures, true, 0).as_secs()).collect();
        assert_eq!(tries, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pause(minutes, 1, true, 1000), RETRY_FIRST / 2);
        assert_eq!(pause(minutes, u32::MAX, true, 0), RETRY_MOST);
        assert_eq!(pause(minutes, 0, true, 1000), minutes / 10 * 9);
    }

    #[test]
    fn a_server_that_never_had_keys_is_asked_at_once_and_then_not_without_a_pause() {
        let tries: Vec<_> =
            (0..4).map(|failures| pause(Duration::from_secs(300), failures, false, 0).as_secs()).collect();
        assert_eq!(tries, [0, 1, 2, 4]);
    }

    proptest! {
        #[test]
        fn a_try_never_comes_later_than_the_interval(every: Duration, failures: u32, permille in 0..=1000_u32) {
            let next = pause(every, failures, true, permille);
            prop_assert!(next <= every, "{next:?}");
            let shortest = if failures == 0 { every / 10 * 9 } else { every.min(RETRY_FIRST) / 2 };
            prop_assert!(next >= shortest.saturating_sub(Duration::from_micros(1)), "{next:?}");
        }
    }
}
