//! How far a run is, on a terminal. Must never say anything that a result holds, nor anything where nobody watches.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use slo::exposition::{Page, PageError};

use crate::engine::{Compared, UnderWay};
use crate::scenario::Phase;
use crate::target::Target;

/// How often the service is asked what it has answered.
const PAUSE: Duration = Duration::from_secs(1);

/// So long at most: the run is looked at by the same thread.
const LIMIT: Duration = Duration::from_millis(100);

/// By which it counts answers.
const ANSWERS: &str = "http_server_request_duration_seconds_count";

/// The line of a run.
pub(super) struct Progress<'target> {
    /// Where the service counts, if it is one that was started for the run.
    metrics: Option<&'target str>,
    looks: RefCell<Looks>,
}

/// The last two looks at what the service has answered.
#[derive(Debug, Default)]
struct Looks {
    before: Option<(Instant, Answered)>,
    last: Option<(Instant, Answered)>,
}

/// Requests, of whoever sent them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Answered {
    all: f64,
    with_200: f64,
}

impl<'target> Progress<'target> {
    pub(super) fn of(target: &'target Target) -> Self {
        Self { metrics: target.metrics(), looks: RefCell::default() }
    }

    /// Shows it to a person who watches; nothing to a machine.
    pub(super) fn show(&self, phase: &Phase, under_way: &UnderWay<'_>) {
        if !stderr().is_terminal() {
            return;
        }
        if let Some(metrics) = self.metrics {
            self.looks.borrow_mut().look(metrics);
        }
        let rates = self.looks.borrow().rates();
        let words = words(phase, under_way.since, rates, &under_way.compared());
        // A terminal that is gone does not end a run.
        let _gone = write!(stderr(), "\r{words}\x1b[K");
    }
}

impl Looks {
    fn look(&mut self, metrics: &str) {
        if self.last.is_some_and(|(at, _)| at.elapsed() < PAUSE) {
            return;
        }
        let page = ureq::get(metrics).config().timeout_global(Some(LIMIT)).build().call();
        let page = page.and_then(|mut answer| answer.body_mut().read_to_string());
        // A service that says nothing is for the verdict to judge.
        if let Some(answered) = page.ok().and_then(|page| Answered::read(&page).ok()) {
            self.before = self.last.replace((Instant::now(), answered));
        }
    }

    /// A second, between the last two looks.
    fn rates(&self) -> Option<Answered> {
        let ((before_at, before), (at, last)) = self.before.zip(self.last)?;
        let seconds = (at - before_at).as_secs_f64();
        Some(Answered {
            all: (last.all - before.all) / seconds,
            with_200: (last.with_200 - before.with_200) / seconds,
        })
    }
}

impl Answered {
    fn read(page: &str) -> Result<Self, PageError> {
        let mut answered = Self::default();
        let lines: Vec<_> = page.lines().filter(|line| line.starts_with(ANSWERS)).collect();
        for series in Page::read(&lines.join("\n"))?.series() {
            answered.all += series.value;
            if series.label("http_response_status_code") == "200" {
                answered.with_200 += series.value;
            }
        }
        Ok(answered)
    }
}

fn words(
    phase: &Phase,
    since: Duration,
    rates: Option<Answered>,
    Compared { checks, latency }: &Compared,
) -> String {
    let left = phase.warm_up_seconds + phase.seconds - since.as_secs_f64();
    let load = phase.rate.map_or_else(|| "closed".to_owned(), |rate| format!("{rate}/s"));
    let mut words =
        format!("{}: {load} on {} connections, {:.0} s left; ", phase.name, phase.connections, left.max(0.0));
    if let Some(Answered { all, with_200 }) = rates {
        words += &format!("{all:.0}/s answered, {with_200:.0}/s with 200; ");
    }
    let compared = checks.right + checks.wrong + checks.not_answered;
    words += &format!("{} of {compared} compared are right", checks.right);
    for quantile in [0.5, 0.99].iter().filter_map(|quantile| latency.quantile(*quantile)) {
        if let Some(value) = quantile.value {
            words += &format!(", p{:.0} {:.2} ms", quantile.quantile * 100.0, value.as_secs_f64() * 1e3);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{Checks, Measurement};
    use crate::result::tests::run;

    #[test]
    fn who_watches_sees_how_long_it_takes_and_how_it_goes() {
        let phase = run(Measurement::default()).phases.remove(0).phase;
        let checks = Checks { right: 19, not_answered: 1, ..Checks::default() };
        let mut compared = Compared { checks, ..Compared::default() };
        let words = |rates, compared: &Compared| words(&phase, Duration::from_millis(900), rates, compared);
        assert_eq!(
            words(None, &compared),
            "only: 1000/s on 1 connections, 1 s left; 19 of 20 compared are right"
        );
        for _ in 0..20 {
            compared.latency.answer(Duration::from_millis(2));
        }
        let rates = Some(Answered { all: 1_019.6, with_200: 980.0 });
        assert_eq!(
            words(rates, &compared),
            "only: 1000/s on 1 connections, 1 s left; 1020/s answered, 980/s with 200; 19 of 20 compared are right, \
             p50 2.00 ms",
            "of twenty nobody knows p99"
        );
    }

    #[test]
    fn answers_of_all_statuses_count_and_nothing_else_does() {
        let page = "# TYPE http_server_request_duration_seconds histogram\n\
            http_server_request_duration_seconds_count{http_route=\"/api\",http_response_status_code=\"200\"} 7\n\
            http_server_request_duration_seconds_count{http_route=\"/v2/models/{model}/infer\",http_response_status_code=\"200\"} 2\n\
            http_server_request_duration_seconds_count{http_route=\"/api\",http_response_status_code=\"429\"} 5\n\
            http_server_request_duration_seconds_sum{http_route=\"/api\",http_response_status_code=\"200\"} 100\n\
            up 1\n";
        assert_eq!(Answered::read(page).unwrap(), Answered { all: 14.0, with_200: 9.0 });
    }

    #[test]
    fn a_rate_is_that_between_the_last_two_looks() {
        let at = Instant::now();
        let look = |seconds, all| Some((at + Duration::from_secs(seconds), Answered { all, with_200: 0.0 }));
        let mut looks = Looks { before: None, last: look(1, 50.0) };
        assert_eq!(looks.rates(), None);
        looks.before = looks.last.take();
        looks.last = look(3, 250.0);
        assert_eq!(looks.rates(), Some(Answered { all: 100.0, with_200: 0.0 }));
    }
}
