//! What every alert has to do, for one pair of windows: silent before its time, firing at it, cleared after it, and not
//! misled by what only looks like a fault.

use rust_decimal::prelude::ToPrimitive as _;

use super::Named;
use super::examples;
use super::expected;
use super::file::{ExprTest, InputSeries, Sample, Test, TestFile};
use super::timing::{Mix, Timing};
use super::traffic::{Sight, Stage, Traffic};
use crate::numbers::{Span, Tier};
use crate::objectives::{Indicator, Objectives, SLICE, Slo};
use crate::query::QueryError;

/// One file for each pair of windows.
pub(super) fn files(objectives: &Objectives, slo: &Slo) -> Result<Vec<Named>, QueryError> {
    let mut files = Vec::new();
    for tier in &slo.tiers {
        let bench = Bench::new(objectives, slo, tier);
        files.push(bench.named(format!("{}-{}", tier.severity, tier.long), bench.tests()?));
    }
    Ok(files)
}

/// Where the rules of an objective are, seen from its tests.
pub(super) fn rule_file(slo: &Slo) -> String {
    format!("../../rules/{}.yaml", slo.id)
}

/// One alert under test.
#[derive(Debug, Clone, Copy)]
struct Bench<'a> {
    objectives: &'a Objectives,
    slo: &'a Slo,
    tier: &'a Tier,
    timing: Timing,
    traffic: Traffic<'a>,
}

impl<'a> Bench<'a> {
    fn new(objectives: &'a Objectives, slo: &'a Slo, tier: &'a Tier) -> Self {
        let timing = Timing::of(slo, tier);
        let traffic = Traffic { slo, histograms: &objectives.histograms, step: timing.step };
        Self { objectives, slo, tier, timing, traffic }
    }

    fn named(self, name: String, tests: Vec<Test>) -> Named {
        Named {
            name: format!("{}/{name}", self.slo.id),
            file: TestFile {
                rule_files: vec![rule_file(self.slo)],
                evaluation_interval: self.timing.step,
                fuzzy_compare: true,
                tests,
            },
        }
    }

    fn tests(self) -> Result<Vec<Test>, QueryError> {
        let faults = [self.a_fault()?, self.total_outage()?, self.the_short_window_decides()?];
        let silences = [self.idle()?, self.nothing_there(), self.too_few()?, self.restart()?];
        let pods = [self.a_healthy_pod_appears()?, self.a_failing_pod_appears()?];
        let mut tests: Vec<Test> = faults.into_iter().chain(silences).chain(pods).collect();
        tests.extend(self.part_missing()?);
        Ok(tests)
    }

    /// Silent just before the computed time, firing at it; firing just before the computed end, cleared at it.
    fn a_fault(self) -> Result<Test, QueryError> {
        let (timing, mix) = (self.timing, self.timing.mix());
        let (begin, lasts) = (timing.history(), timing.long_fault(mix));
        let stages = [self.good(begin), stage(lasts, mix), self.good(timing.history())];
        let fires = begin + timing.crosses(mix) + timing.hold();
        let clears = begin + lasts + timing.clears(mix);
        Ok(self.test(
            "is silent just before its time, fires at it, lasts as long as its short window, and clears",
            self.traffic.series(&stages, Sight::Whole, "a")?,
            [self.silent(fires - 1), self.firing(fires), self.firing(clears - 1), self.silent(clears)]
                .into_iter()
                .chain(self.burning(begin + lasts, mix))
                .collect(),
        ))
    }

    /// How fast the budget goes now is of the shortest window, which has forgotten what was before.
    fn burning(self, step: usize, mix: Mix) -> Option<ExprTest> {
        let budget = self.slo.budget().ratio().to_f64()?;
        let burning = share(mix) / budget;
        let asked = || self.recorded("slo:current_burn_rate:ratio", step, Some(burning));
        (self.tier.short == SLICE).then(asked)
    }

    fn total_outage(self) -> Result<Test, QueryError> {
        let (timing, mix) = (self.timing, self.timing.outage());
        let begin = timing.history();
        let fires = begin + timing.crosses(mix) + timing.hold();
        // As long as two long windows, so that one that is longer than it should be counts more than there was.
        let end = 3 * begin;
        let mut questions = vec![self.silent(fires - 1), self.firing(fires)];
        questions.extend(self.windows().map(|window| self.ratio(window, end, Some(1.0))));
        Ok(self.test(
            "fires in a total outage, at its time, and everything is bad",
            self.traffic.series(&[self.good(begin), stage(2 * begin, mix)], Sight::Whole, "a")?,
            questions,
        ))
    }

    /// While the long window is beyond doubt, the short one decides, to 2 % of its threshold.
    fn the_short_window_decides(self) -> Result<Test, QueryError> {
        let (begin, turns) = (self.timing.history(), self.timing.short_turns());
        let [above, below] = self.timing.around();
        let stages = [stage(begin, self.timing.outage()), stage(turns, above), stage(turns, below)];
        Ok(self.test(
            "fires while its short window is just above the threshold, and clears just below it",
            self.traffic.series(&stages, Sight::Whole, "a")?,
            vec![self.firing(begin + turns), self.silent(begin + 2 * turns)],
        ))
    }

    /// The series are there and nothing happens.
    fn idle(self) -> Result<Test, QueryError> {
        let steps = self.timing.history();
        let mut questions: Vec<_> = self.windows().map(|window| self.ratio(window, steps, None)).collect();
        questions.push(self.silent(steps));
        let series = self.traffic.series(&[stage(steps, Mix { good: 0, bad: 0 })], Sight::Whole, "a")?;
        Ok(self.test("is silent and has no ratio while nothing happens", series, questions))
    }

    fn nothing_there(self) -> Test {
        let steps = self.timing.history();
        let mut questions: Vec<_> = self.windows().map(|window| self.ratio(window, steps, None)).collect();
        questions.push(self.silent(steps));
        let series = vec![InputSeries { series: "other".to_owned(), values: format!("0+0x{steps}") }];
        self.test("is silent and has no ratio when no series is there", series, questions)
    }

    /// Enough failures long ago, then a few and nothing else: one too few is silent although every request failed, one
    /// more fires.
    fn too_few(self) -> Result<Test, QueryError> {
        let (timing, few) = (self.timing, self.timing.too_few());
        let one = Mix { good: 0, bad: 1 };
        let begin = few + 1 + timing.history();
        let quiet = Mix { good: 0, bad: 0 };
        let hold = timing.hold();
        let mut stages = vec![stage(few + 1, one), stage(timing.history(), quiet)];
        stages.extend([stage(few, one), stage(hold + 2, quiet)]);
        stages.extend([stage(1, one), stage(hold + 1, quiet)]);
        let enough = begin + few + hold + 2 + 1 + hold;
        Ok(self.test(
            "is silent while too few failed to know, and fires with one more",
            self.traffic.series(&stages, Sight::Whole, "a")?,
            vec![self.silent(begin + few + hold), self.silent(enough - 1), self.firing(enough)],
        ))
    }

    /// A process that starts again begins at 0: no failure, and no event lost or made.
    fn restart(self) -> Result<Test, QueryError> {
        let (begin, calm) = (self.timing.history(), self.timing.calm());
        let stages = [stage(begin, calm), stage(begin, calm)];
        let after = begin + 2;
        let share = share(calm);
        Ok(self.test(
            "is silent when a process starts again, and the ratio stays what it was",
            self.traffic.series(&stages, Sight::Restarted, "a")?,
            vec![
                self.silent(after),
                self.ratio(self.tier.short, after, Some(share)),
                self.ratio(self.tier.long, after, Some(share)),
                self.silent(2 * begin),
            ],
        ))
    }

    fn a_healthy_pod_appears(self) -> Result<Test, QueryError> {
        let (begin, calm) = (self.timing.history(), self.timing.calm());
        let stages = [stage(begin, calm), stage(begin, calm)];
        let mut series = self.traffic.series(&stages, Sight::Whole, "a")?;
        series.extend(self.traffic.series(&stages, Sight::Appearing, "b")?);
        let seen = (1..=6).map(|after| self.silent(begin + after)).chain([self.silent(2 * begin)]);
        Ok(self.test("is silent when a pod appears that does its work", series, seen.collect()))
    }

    fn a_failing_pod_appears(self) -> Result<Test, QueryError> {
        let (begin, calm, outage) = (self.timing.history(), self.timing.calm(), self.timing.weighty_outage());
        let mut series = self.traffic.series(&[stage(begin, calm), stage(begin, calm)], Sight::Whole, "a")?;
        series.extend(self.traffic.series(
            &[stage(begin, calm), stage(begin, outage)],
            Sight::Appearing,
            "b",
        )?);
        Ok(self.test(
            "fires when a pod appears whose requests all fail",
            series,
            vec![self.silent(begin), self.firing(2 * begin)],
        ))
    }

    /// Without series of failures nothing failed. Without series of fast answers nothing was fast.
    fn part_missing(self) -> Result<Option<Test>, QueryError> {
        let steps = self.timing.history();
        let Mix { good, bad } = self.timing.mix();
        let series =
            self.traffic.series(&[stage(steps, Mix { good: good + bad, bad: 0 })], Sight::Part, "a")?;
        let (name, ratio, alert) = match self.slo.indicator {
            Indicator::Events { .. } => {
                ("is silent at a ratio of 0 when no series of failures is there", 0.0, self.silent(steps))
            }
            Indicator::Latency { .. } => {
                ("fires at a ratio of 1 when no series of fast answers is there", 1.0, self.firing(steps))
            }
            Indicator::Freshness { .. } => return Ok(None),
        };
        let windows = [self.tier.short, self.tier.long];
        let questions =
            windows.map(|window| self.ratio(window, steps, Some(ratio))).into_iter().chain([alert]);
        Ok(Some(self.test(name, series, questions.collect())))
    }

    fn test(self, name: &str, input_series: Vec<InputSeries>, questions: Vec<ExprTest>) -> Test {
        Test {
            name: format!("{} over {} {name}", self.slo.alert(), self.tier.long),
            interval: self.timing.step,
            input_series,
            alert_rule_test: Vec::new(),
            promql_expr_test: questions,
        }
    }

    fn good(self, steps: usize) -> Stage {
        let Mix { good, bad } = self.timing.mix();
        stage(steps, Mix { good: good + bad, bad: 0 })
    }

    fn windows(self) -> impl Iterator<Item = Span> {
        [self.tier.short, self.tier.long].into_iter()
    }

    fn silent(self, step: usize) -> ExprTest {
        self.alert_at(step, Vec::new())
    }

    fn firing(self, step: usize) -> ExprTest {
        let labels = [("alertname", self.slo.alert()), ("alertstate", "firing".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .chain(expected::alert_labels(self.objectives, self.slo, self.tier))
            .collect();
        self.alert_at(step, vec![Sample { labels: examples::series("ALERTS", &labels), value: 1.0 }])
    }

    fn alert_at(self, step: usize, exp_samples: Vec<Sample>) -> ExprTest {
        ExprTest {
            expr: format!(
                "ALERTS{{alertname=\"{}\",alertstate=\"firing\",long=\"{}\"}}",
                self.slo.alert(),
                self.tier.long
            ),
            eval_time: at(self.timing.step, step),
            exp_samples,
        }
    }

    fn ratio(self, window: Span, step: usize, value: Option<f64>) -> ExprTest {
        self.recorded(&format!("slo:sli_error:ratio_rate{window}"), step, value)
    }

    fn recorded(self, name: &str, step: usize, value: Option<f64>) -> ExprTest {
        let labels = expected::recorded_labels(self.objectives, self.slo);
        expected::recorded(self.objectives, self.slo, name, at(self.timing.step, step), &labels, value)
    }
}

pub(super) const fn stage(steps: usize, mix: Mix) -> Stage {
    Stage { steps, good: mix.good, bad: mix.bad }
}

/// The time of a step.
pub(super) fn at(step: Span, number: usize) -> Span {
    step.times(u64::try_from(number).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "events of a step are few")]
pub(super) fn share(mix: Mix) -> f64 {
    mix.bad as f64 / (mix.good + mix.bad) as f64
}
