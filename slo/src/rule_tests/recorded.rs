//! What is recorded of an objective: events, ratios and the budget of its period, to the last digit.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::Named;
use super::examples::Labels;
use super::expected::{self, number, recorded_labels, slices_of_period, whole};
use super::file::{ExprTest, InputSeries, Test, TestFile};
use super::tier::{at, rule_file, stage};
use super::timing::Mix;
use super::traffic::{Sight, Traffic};
use crate::numbers::Span;
use crate::objectives::{Indicator, Objectives, SLICE, Slo};
use crate::query::QueryError;

/// The time between two samples.
const STEP: Span = Span::minutes(1);

/// Samples: an hour.
const STEPS: usize = 60;

pub(super) fn files(objectives: &Objectives, slo: &Slo) -> Result<Vec<Named>, QueryError> {
    let is_gauge = matches!(slo.indicator, Indicator::Freshness { .. });
    // Gauges can't lie in the past of the epoch, so theirs begin an hour late.
    let (sight, lead) = if is_gauge { (Sight::Appearing, STEPS) } else { (Sight::Whole, 0) };
    // For counters one and a half times the budget, so that what is left is negative.
    let parts = (slo.budget().ratio() * Decimal::from(1_000_000)).to_i64().unwrap_or(1);
    let mix =
        if is_gauge { Mix { good: 19, bad: 1 } } else { Mix { good: 4_000_000 - 6 * parts, bad: 6 * parts } };
    let traffic = Traffic { slo, histograms: &objectives.histograms, step: STEP };
    let mut stages = vec![stage(STEPS, mix)];
    if is_gauge {
        stages.insert(0, stage(lead, Mix { good: 0, bad: 0 }));
    }
    let expect = Expect { objectives, slo, step: lead + STEPS };
    let test = Test {
        name: format!("{} is recorded exactly: events, ratios, budget", slo.id),
        interval: STEP,
        input_series: [traffic.series(&stages, sight, "a")?, foreign(objectives, slo)].concat(),
        alert_rule_test: Vec::new(),
        promql_expr_test: [expect.windows(mix, is_gauge), expect.constants(), expect.period(mix)].concat(),
    };
    Ok(vec![Named {
        name: format!("{}/recorded", slo.id),
        file: TestFile {
            rule_files: vec![rule_file(slo)],
            evaluation_interval: STEP,
            fuzzy_compare: true,
            tests: vec![test],
        },
    }])
}

/// What is recorded of another objective, and by another service of one that is called the same: none of it is ours.
fn foreign(objectives: &Objectives, slo: &Slo) -> Vec<InputSeries> {
    let others = [("other", slo.id.as_str()), (objectives.service.as_str(), "other")];
    let names =
        ["bad:sample", "total:sample", "bad:increase5m", "total:increase5m", "sli_error:ratio_rate5m"];
    let series = |(service, slo): (&str, &str), name: &str| InputSeries {
        series: format!("slo:{name}{{service=\"{service}\",slo=\"{slo}\"}}"),
        values: format!("1000+0x{}", 2 * STEPS),
    };
    names.iter().flat_map(|name| others.map(|other| series(other, name))).collect()
}

#[derive(Clone, Copy)]
struct Expect<'a> {
    objectives: &'a Objectives,
    slo: &'a Slo,
    step: usize,
}

impl Expect<'_> {
    /// Events and their ratio, whatever the window.
    fn windows(self, mix: Mix, is_gauge: bool) -> Vec<ExprTest> {
        let ratio = super::tier::share(mix);
        let mut tests = Vec::new();
        for window in self.slo.windows() {
            let steps = counted(window, is_gauge);
            tests.push(self.exactly(&format!("slo:bad:increase{window}"), steps * whole(mix.bad)));
            tests.push(
                self.exactly(&format!("slo:total:increase{window}"), steps * whole(mix.good + mix.bad)),
            );
            tests.push(self.exactly(&format!("slo:sli_error:ratio_rate{window}"), ratio));
        }
        tests.push(self.exactly("slo:current_burn_rate:ratio", ratio / number(self.slo.budget().ratio())));
        tests
    }

    fn constants(self) -> Vec<ExprTest> {
        let Slo { objective, period, .. } = self.slo;
        [
            ("slo:objective:ratio", objective.ratio()),
            ("slo:error_budget:ratio", objective.budget().ratio()),
            ("slo:time_period:days", period.span().in_days()),
        ]
        .map(|(name, value)| self.constant(name, number(value)))
        .into()
    }

    /// All slices of the hour, and nothing made up for the rest of the period.
    fn period(self, mix: Mix) -> Vec<ExprTest> {
        let (slice, step) = (SLICE.millis(), STEP.millis());
        let slices = whole(i64::try_from(STEPS).unwrap_or_default())
            * number(Decimal::from(step) / Decimal::from(slice));
        let per_slice = number(Decimal::from(slice) / Decimal::from(step));
        let ratio = super::tier::share(mix);
        vec![
            self.exactly("slo:period_bad:increase", slices * per_slice * whole(mix.bad)),
            self.exactly("slo:period_total:increase", slices * per_slice * whole(mix.good + mix.bad)),
            self.exactly(
                "slo:period_error_budget_remaining:ratio",
                1.0 - ratio / number(self.slo.budget().ratio()),
            ),
            self.exactly("slo:period_coverage:ratio", slices / slices_of_period(self.slo)),
        ]
    }

    /// One series with the objective's labels and this value.
    fn exactly(self, name: &str, value: f64) -> ExprTest {
        self.one(name, &recorded_labels(self.objectives, self.slo), value)
    }

    /// The same for what knows no groups.
    fn constant(self, name: &str, value: f64) -> ExprTest {
        let mut labels = recorded_labels(self.objectives, self.slo);
        labels.retain(|label, _| !self.slo.by.contains(label));
        self.one(name, &labels, value)
    }

    fn one(self, name: &str, labels: &Labels, value: f64) -> ExprTest {
        expected::recorded(self.objectives, self.slo, name, at(STEP, self.step), labels, Some(value))
    }
}

/// Steps that a window counts after an hour. One that is longer than the data is stretched by half a step at its begin,
/// as Prometheus does with increases.
fn counted(window: Span, is_gauge: bool) -> f64 {
    let (steps, seen) = (number(Decimal::from(window.millis()) / Decimal::from(STEP.millis())), whole(60));
    if steps <= seen {
        steps
    } else if is_gauge {
        seen
    } else {
        seen + 0.5
    }
}
