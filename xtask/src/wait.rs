//! Waiting for something to become so: ask again and again, with a deadline.
//!
//! Nothing here sleeps for a fixed time in the hope that it was enough. Must never wait without a limit.

use std::time::{Duration, Instant};

use anyhow::bail;

/// How long to pause between two questions. Short, so that what is measured through it is not rounded up.
const PAUSE: Duration = Duration::from_millis(1);

/// Asks until there is an answer. `what` completes the sentence "waited … for".
///
/// # Errors
/// When the question itself fails, and when `limit` has passed without an answer.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    until_every(PAUSE, what, limit, ask)
}

/// The same with pauses of another length, where asking costs something or nobody counts milliseconds.
///
/// # Errors
/// The same.
pub(crate) fn until_every<T>(
    pause: Duration,
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            bail!("waited {} s for {what}", limit.as_secs());
        }
        std::thread::sleep(pause);
    }
}
