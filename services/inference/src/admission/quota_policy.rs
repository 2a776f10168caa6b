//! What a quota is called and how callers are told of it, so that they can pace themselves: the RateLimit fields
//! (draft-ietf-httpapi-ratelimit-headers-11). Decides nothing.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::BytesMut;
use governor::Quota;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::rate::whole_seconds;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Bytes that are made room for, so that the field is written without asking for more: names are short.
const FIELD_BYTES: usize = 64;

/// The quota of a class, as its callers are told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaPolicy {
    /// The class.
    pub class: String,
    /// How many may be asked at once.
    pub burst: u32,
    /// After how many seconds a whole burst may be asked again.
    pub window: u64,
    pace: Duration,
    /// Made once: it is the same on each answer.
    field: Option<HeaderValue>,
}

impl QuotaPolicy {
    pub(super) fn new(class: &str, quota: Quota) -> Self {
        let (burst, window) = (quota.burst_size().get(), whole_seconds(quota.burst_size_replenished_in()));
        // §3: a list of items, the policy's name a string.
        let field = format!("\"{class}\";q={burst};w={window}");
        Self {
            class: class.to_owned(),
            burst,
            window,
            pace: quota.replenish_interval(),
            // The name of a class is letters, digits, `-` and `_`, which a field can hold.
            field: field.try_into().ok(),
        }
    }

    /// Adds the fields to an answer after which the caller may ask for `left` more.
    ///
    /// In `t` seconds it can use no more than that (§4.1.2). The quota fills up all the time, so that this could be said
    /// of many times. Said is the one in which these are earned again: who spreads what is left evenly over it asks at
    /// the rate of the quota, and is never refused; and no more than that rate is promised (§8.5).
    pub(super) fn say_left(&self, left: u32, headers: &mut HeaderMap) {
        self.say(left, whole_seconds(self.pace.saturating_mul(left.max(1))), headers);
    }

    /// Adds the fields to the answer that a quota is used up, for so many seconds.
    pub fn say_used_up(&self, retry_after: u64, headers: &mut HeaderMap) {
        self.say(0, retry_after, headers);
    }

    fn say(&self, left: u32, seconds: u64, headers: &mut HeaderMap) {
        let mut field = BytesMut::with_capacity(FIELD_BYTES);
        // Writing into memory cannot fail.
        let _written = write!(field, "\"{}\";r={left};t={seconds}", self.class);
        let field = HeaderValue::from_maybe_shared(field.freeze()).ok();
        let fields = [(RATELIMIT_POLICY, self.field.clone()), (RATELIMIT, field)];
        headers.extend(fields.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::super::Ticks;
    use super::super::keys::{Keys, Limiter};
    use super::super::rate::quota;
    use super::*;

    /// What the fields of an answer with so many left say: how many, in how many seconds.
    fn said(policy: &QuotaPolicy, left: u32) -> (u64, u64) {
        let mut headers = HeaderMap::new();
        policy.say_left(left, &mut headers);
        let field = headers.get("ratelimit").unwrap().to_str().unwrap();
        let (left, seconds) = field.strip_prefix("\"gold\";r=").unwrap().split_once(";t=").unwrap();
        (left.parse().unwrap(), seconds.parse().unwrap())
    }

    proptest! {
        #[test]
        fn who_spreads_what_is_left_over_the_time_that_is_said_is_never_refused(
            per_hour in 1_u64..10_000_000,
            burst in 1_u32..50,
            pauses in prop::collection::vec(0_u64..5_000_000_000, 1..100),
        ) {
            let clock = Arc::new(AtomicU64::new(0));
            let quota = quota(format!("{per_hour}/h").parse().unwrap(), burst.to_string().parse().unwrap());
            let policy = QuotaPolicy::new("gold", quota);
            let limiter = Limiter::new(0, quota, &Keys::new(2), &Ticks::Manual(Arc::clone(&clock)));
            let ask = |who: &str, pause: u64| {
                clock.fetch_add(pause, Ordering::Relaxed);
                limiter.take(who)
            };
            let mut left = burst;
            for pause in pauses {
                // Two that did the same so far.
                left = ask("patient", pause).unwrap_or(0);
                prop_assert_eq!(ask("greedy", 0).unwrap_or(0), left);
            }
            let (said_left, seconds) = said(&policy, left);
            prop_assert_eq!(said_left, u64::from(left));

            for _ in 0..left {
                prop_assert!(ask("greedy", 0).is_ok(), "as many at once as it says");
            }
            prop_assert!(ask("greedy", 0).is_err(), "and no more");
            for _ in 0..left {
                prop_assert!(ask("patient", seconds * 1_000_000_000 / u64::from(left)).is_ok());
            }
        }
    }

    #[test]
    fn no_more_than_the_rate_is_promised() {
        let of = |rate: &str, burst: &str| {
            QuotaPolicy::new("gold", quota(rate.parse().unwrap(), burst.parse().unwrap()))
        };
        assert_eq!(said(&of("100/s", "200"), 199), (199, 2));
        assert_eq!(said(&of("100/s", "200"), 1), (1, 1), "there is nothing shorter than a second");
        assert_eq!(said(&of("30/min", "10"), 9), (9, 18));
        assert_eq!(said(&of("30/min", "10"), 0), (0, 2), "one is there again by then");
    }
}
