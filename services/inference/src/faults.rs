//! Faults on request, for tests of what watches the service: answers that fail, that take long, that are wrong. Compiled
//! in only with the feature `faults`, which is no default and in no image. It must never touch what would not have been
//! answered well, nor be random: every nth answer is spoilt, so that a test can say which.
//!
//! What is asked for is kept for the whole process: the admin listener that hears of it and the API that does it are on
//! runtimes of their own and share nothing else.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::api::{ApiError, PREDICTION_ROUTES};

static STANDING: LazyLock<ArcSwap<Standing>> = LazyLock::new(ArcSwap::default);

tokio::task_local! {
    /// Whether the request that is being worked on gets a wrong class.
    static WRONG: bool;
}

/// What is asked for, and how far it has got on each route: callers that take turns would otherwise meet all of it on one.
#[derive(Debug, Default)]
struct Standing {
    fault: Fault,
    routes: [Counts; PREDICTION_ROUTES.len()],
}

#[derive(Debug, Default)]
struct Counts {
    answers: AtomicU64,
    /// Those of them that do not fail.
    kept: AtomicU64,
}

/// The body of `PUT /fault`; what is left out is zero.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fault {
    /// The share of the answers that become a 500.
    fail: Share,
    /// The share of the answers that take longer, whether they fail or not.
    slow: Share,
    slow_seconds: Seconds,
    /// The share of the answers that do not fail and name another class.
    wrong: Share,
}

/// A share in parts per million.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Share(u64);

const WHOLE: u64 = 1_000_000;

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        if !(0.0..=1.0).contains(&share) {
            return Err("expected a share from 0 to 1");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "between 0 and a million"
        )]
        Ok(Self((share * WHOLE as f64).round() as u64))
    }
}

impl Share {
    /// Whether the answer with this number, counted from 0, is one of the share.
    fn has(self, number: u64) -> bool {
        let until = |count: u64| count.saturating_mul(self.0) / WHOLE;
        until(number.saturating_add(1)) > until(number)
    }
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|error| error.to_string())
    }
}

/// `PUT /fault`: begins anew with this fault.
pub(crate) async fn set(Json(fault): Json<Fault>) -> StatusCode {
    tracing::warn!(?fault, "faults asked for");
    STANDING.store(Standing { fault, ..Standing::default() }.into());
    StatusCode::NO_CONTENT
}

/// Spoils answers of the routes that predict, as if the handler had: behind identity and quota, so that what they refuse
/// stays as it is, and before what is counted.
pub(crate) async fn inject(request: Request, next: Next) -> Response {
    let standing = STANDING.load_full();
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let mut routes = PREDICTION_ROUTES.iter().zip(&standing.routes);
    let Some((_, counts)) = routes.find(|((_, route), _)| Some(*route) == path) else {
        return next.run(request).await;
    };
    let Fault { fail, slow, slow_seconds, wrong } = standing.fault;
    let number = counts.answers.fetch_add(1, Ordering::Relaxed);
    let fails = fail.has(number);
    let wrong = !fails && wrong.has(counts.kept.fetch_add(1, Ordering::Relaxed));
    let answer = WRONG.scope(wrong, next.run(request)).await;
    if answer.status() != StatusCode::OK {
        return answer;
    }
    if slow.has(number) {
        tokio::time::sleep(slow_seconds.0).await;
    }
    if fails {
        ApiError::Internal { reason: "a fault was asked for".to_owned() }.into_response()
    } else {
        answer
    }
}

/// Other classes than the model's, where this answer is to be wrong.
pub(crate) fn spoil(classes: Vec<i64>) -> Vec<i64> {
    if WRONG.try_with(|wrong| *wrong) == Ok(true) {
        return classes.into_iter().map(|class| i64::from(class == 0)).collect();
    }
    classes
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(0.0, &[])]
    #[case::a_third(1.0 / 3.0, &[3, 6, 9])]
    #[case::half(0.5, &[1, 3, 5, 7, 9])]
    #[case::most(0.9, &[1, 2, 3, 4, 5, 6, 7, 8, 9])]
    #[case::all(1.0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])]
    fn a_share_is_spread_evenly(#[case] share: f64, #[case] has: &[u64]) {
        let share = Share::try_from(share).unwrap();
        let numbers: Vec<u64> = (0..10).filter(|number| share.has(*number)).collect();
        assert_eq!(numbers, has);
    }
}
