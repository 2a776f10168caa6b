//! What is left of the budget, over a whole period: all of its slices count, nothing older does, and one event is enough
//! to know something.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::Named;
use super::examples;
use super::expected::{self, recorded_labels};
use super::file::{ExprTest, InputSeries, Test, TestFile};
use super::tier::{at, rule_file};
use crate::numbers::Span;
use crate::objectives::{Objectives, SLICE, Slo};

/// One slice a day has events. More would say the same, and take promtool longer.
const STEP: Span = Span::days(1);

/// Days before the period, whose events must not count any more.
const BEFORE: usize = 3;

/// Bad and all events of a slice.
#[derive(Debug, Clone, Copy)]
struct Slice {
    bad: u32,
    total: u32,
}

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
        let (old, slice) = (Slice { bad: 1000, total: 1000 }, Slice { bad: 1, total: 1000 });
        let days = whole(self.days());
        let budget = number(self.slo.budget().ratio());
        let slices = number(Decimal::from(self.slo.period.span().millis()) / Decimal::from(SLICE.millis()));
        self.test(
            "counts every slice of its period and none before",
            &[(BEFORE, old), (self.days(), slice)],
            vec![
                self.asked("slo:period_bad:increase", Some(days)),
                self.asked("slo:period_total:increase", Some(1000.0 * days)),
                self.asked("slo:period_error_budget_remaining:ratio", Some(1.0 - 0.001 / budget)),
                self.asked("slo:period_coverage:ratio", Some(days / slices)),
            ],
        )
    }

    fn one_event(self) -> Test {
        let (nothing, one) = (Slice { bad: 0, total: 0 }, Slice { bad: 0, total: 1 });
        self.test(
            "has all of its budget after one good event",
            &[(BEFORE, nothing), (self.days() - 1, nothing), (1, one)],
            vec![self.asked("slo:period_error_budget_remaining:ratio", Some(1.0))],
        )
    }

    fn idle(self) -> Test {
        let nothing = Slice { bad: 0, total: 0 };
        self.test(
            "has a budget that nobody knows while nothing happens",
            &[(BEFORE, nothing), (self.days(), nothing)],
            vec![self.asked("slo:period_error_budget_remaining:ratio", None)],
        )
    }

    fn test(self, name: &str, days: &[(usize, Slice)], promql_expr_test: Vec<ExprTest>) -> Test {
        let series = |events: &str, of: fn(&Slice) -> u32| InputSeries {
            series: examples::series(
                &format!("slo:{events}:increase{SLICE}"),
                &recorded_labels(self.objectives, self.slo),
            ),
            values: days.iter().map(|(days, slice)| constant(of(slice), *days)).collect::<Vec<_>>().join(" "),
        };
        Test {
            name: format!("{} {name}", self.slo.id),
            interval: STEP,
            input_series: vec![series("bad", |slice| slice.bad), series("total", |slice| slice.total)],
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

fn constant(value: u32, samples: usize) -> String {
    format!("{value}+0x{}", samples.saturating_sub(1))
}

fn number(decimal: Decimal) -> f64 {
    decimal.to_f64().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "days of a period are few")]
const fn whole(days: usize) -> f64 {
    days as f64
}
