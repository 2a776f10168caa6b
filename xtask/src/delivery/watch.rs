//! How long a canary is watched, and when enough is seen.
//!
//! A no is final at once; the rest waits for the end, where the last answer counts. Must never end early with a pass.

use std::time::{Duration, Instant};

use super::gate::Answer;

/// For how long, and how often one looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub(super) lasts: Duration,
    pub(super) every: Duration,
}

/// What time it is, and how one waits: the tests' time passes as fast as they like.
pub(super) trait Time {
    /// Since the watch began.
    fn elapsed(&self) -> Duration;
    /// Lets time pass.
    fn pause(&mut self, time: Duration);
}

/// The machine's own time.
#[derive(Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Time for Clock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Watch {
    /// Asks again and again, and says what to go by.
    ///
    /// # Errors
    /// Those of `ask`, at once.
    pub(super) fn over(
        self,
        time: &mut impl Time,
        mut ask: impl FnMut() -> anyhow::Result<Answer>,
    ) -> anyhow::Result<Answer> {
        loop {
            let left = self.lasts.saturating_sub(time.elapsed());
            let answer = ask()?;
            if left.is_zero() || matches!(answer, Answer::Fail(_)) {
                return Ok(answer);
            }
            time.pause(left.min(self.every));
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use rstest::rstest;

    use super::*;

    struct Made(Duration);

    impl Time for Made {
        fn elapsed(&self) -> Duration {
            self.0
        }
        fn pause(&mut self, time: Duration) {
            self.0 += time;
        }
    }

    fn answer(letter: char) -> anyhow::Result<Answer> {
        Ok(match letter {
            'p' => Answer::Pass,
            'f' => Answer::Fail(String::new()),
            'n' => Answer::NoData(String::new()),
            _ => bail!("nobody answers"),
        })
    }

    /// Each letter is an answer, 30 s apart; a watch of 70 s asks at 0, 30, 60 and 70 s.
    #[rstest]
    #[case::good_all_the_time("pppp", 'p', 70)]
    #[case::unknown_at_first("nnpp", 'p', 70)]
    #[case::a_pass_does_not_end_it("pppn", 'n', 70)]
    #[case::still_unknown_at_the_end("nnnn", 'n', 70)]
    #[case::a_no_ends_it_at_once("pf", 'f', 30)]
    #[case::a_no_at_the_very_end("pppf", 'f', 70)]
    #[case::nobody_answers("ppx", 'x', 60)]
    fn a_no_is_final_and_the_rest_waits_for_the_end(
        #[case] answers: &str,
        #[case] last: char,
        #[case] ends_at: u64,
    ) {
        let watch = Watch { lasts: Duration::from_secs(70), every: Duration::from_secs(30) };
        let (mut time, mut letters) = (Made(Duration::ZERO), answers.chars());
        let got = watch.over(&mut time, || answer(letters.next().unwrap()));
        assert_eq!(got.ok(), answer(last).ok());
        assert_eq!((time.0.as_secs(), letters.next()), (ends_at, None));
    }
}
