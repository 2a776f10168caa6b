//! What is left of the budget, over a whole period: all of its slices count, nothing older does, and one event is enough
//! to know something.

use super::Named;
use super::examples;
use super::expected::{self, number, recorded_labels, slices_of_period, whole};
use super::file::{ExprTest, InputSeries, Test, TestFile};
use super::tier::{at, rule_file, share, stage};
use super::timing::Mix;
use super::traffic::Stage;
use super::values::Values;
use crate::numbers::Span;
use crate::objectives::{Objectives, SLICE, Slo};

/// One slice a day has events. More would say the same, and take promtool longer.
const STEP: Span = Span::days(1);

/// Days before the period, whose events must not count any more.
const BEFORE: usize = 3;

const NOTHING: Mix = Mix { good: 0, bad: 0 };

pub(super) fn file(objectives: &Objectives, slo: &Slo) -> Named {
    let period = Period { objectives, slo };
    Named {
        name: format!("{}/period", slo.id),
        file: TestFile {
            rule_files: vec![rule_file(slo)],
            // Once at the begin and once at the end: what counts is recorded already.
            evaluation_interval: at(STEP, period.end()),
            fuzzy_compare: true,
            tests: vec![period.whole(), period.one_event(), period.idle()],
        },
    }
}

#[derive(Debug, Clone, Copy)]
struct Period<'a> {
    objectives: &'a Objectives,
    slo: &'a Slo,
}

impl Period<'_> {
    fn whole(self) -> Test {
        let (old, mix) = (Mix { good: 0, bad: 1000 }, Mix { good: 999, bad: 1 });
        let days = self.slo.period.span().in_days();
        let budget = number(self.slo.budget().ratio());
        self.test(
            "counts every slice of its period and none before",
            &[stage(BEFORE, old), stage(self.days(), mix)],
            vec![
                self.asked("slo:period_bad:increase", Some(number(days) * whole(mix.bad))),
                self.asked("slo:period_total:increase", Some(number(days) * whole(mix.good + mix.bad))),
                self.asked("slo:period_error_budget_remaining:ratio", Some(1.0 - share(mix) / budget)),
                self.asked("slo:period_coverage:ratio", Some(number(days) / slices_of_period(self.slo))),
            ],
        )
    }

    fn one_event(self) -> Test {
        self.test(
            "has all of its budget after one good event",
            &[stage(self.end(), NOTHING), stage(1, Mix { good: 1, bad: 0 })],
            vec![self.asked("slo:period_error_budget_remaining:ratio", Some(1.0))],
        )
    }

    fn idle(self) -> Test {
        self.test(
            "has a budget that nobody knows while nothing happens",
            &[stage(self.end() + 1, NOTHING)],
            vec![self.asked("slo:period_error_budget_remaining:ratio", None)],
        )
    }

    fn test(self, name: &str, days: &[Stage], promql_expr_test: Vec<ExprTest>) -> Test {
        let labels = recorded_labels(self.objectives, self.slo);
        let series = |events: &str, of: fn(&Stage) -> i64| {
            let constant = |values: Values, day: &Stage| values.jump(of(day), 0, day.steps);
            InputSeries {
                series: examples::series(&format!("slo:{events}:increase{SLICE}"), &labels),
                values: days.iter().fold(Values::default(), constant).to_string(),
            }
        };
        Test {
            name: format!("{} {name}", self.slo.id),
            interval: STEP,
            input_series: vec![series("bad", |day| day.bad), series("total", |day| day.good + day.bad)],
            alert_rule_test: Vec::new(),
            promql_expr_test,
        }
    }

    fn asked(self, name: &str, value: Option<f64>) -> ExprTest {
        let labels = recorded_labels(self.objectives, self.slo);
        expected::recorded(self.objectives, self.slo, name, at(STEP, self.end()), &labels, value)
    }

    fn days(self) -> usize {
        usize::try_from(self.slo.period.span().millis() / STEP.millis()).unwrap_or_default()
    }

    /// The last day's sample: the first is at 0.
    fn end(self) -> usize {
        BEFORE + self.days() - 1
    }
}
