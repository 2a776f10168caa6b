//! What a delivery may do: by what is left of the budgets, and for a canary by its own burning. Pure.
//!
//! No data is a third answer, never a pass.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

use crate::definition::Gate;
use crate::objectives::{PolicyStep, Slo};
use crate::outputs::canary::Question;

/// What one objective says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// Go on.
    Pass(String),
    /// Don't.
    Fail(String),
    /// Nothing is known.
    NoData(String),
    /// There is nothing that could be good or bad: no revocation list, no source of keys.
    NothingToWatch,
}

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Delivery {
    /// Something new: while the policy's gate is open
    Feature,
    /// What makes it more reliable, or a security fix: also while only fixes may go
    Fix,
}

impl Delivery {
    const fn passes(self, gate: Gate) -> bool {
        match gate {
            Gate::Open => true,
            Gate::Fixes => matches!(self, Self::Fix),
            Gate::Closed => false,
        }
    }
}

/// The step of a policy that holds with so much of the budget left; `None` while there is enough. Steps stand from most
/// to least left.
#[must_use]
pub fn step(policy: &[PolicyStep], left: f64) -> Option<&PolicyStep> {
    let percent = Decimal::from_f64(left * 100.0)?;
    policy.iter().rev().find(|step| percent <= step.left)
}

/// What is left of a budget, and the share of the period that is known of.
#[must_use]
pub fn of_budget(slo: &Slo, left: Option<f64>, coverage: Option<f64>, delivery: Delivery) -> Opinion {
    let Some(left) = left.filter(|left| left.is_finite()) else {
        return Opinion::NoData(format!("no event in {} that Prometheus knows of", slo.period.span()));
    };
    let known = coverage
        .map_or_else(String::new, |share| format!(", from {} of {}", percent(share), slo.period.span()));
    let facts = format!("{} of the budget left{known}", percent(left));
    let Some(PolicyStep { gate, action, .. }) = step(&slo.policy, left) else { return Opinion::Pass(facts) };
    let words = format!("{facts}; {action}");
    if delivery.passes(*gate) { Opinion::Pass(words) } else { Opinion::Fail(words) }
}

/// How a canary did within its window.
#[must_use]
pub fn of_canary(question: &Question, bad: Option<f64>, total: Option<f64>) -> Opinion {
    let total = total.unwrap_or(0.0);
    let Some(least) = Decimal::from_f64(total).filter(|total| *total >= question.least_events.into()) else {
        return Opinion::NoData(format!(
            "{total:.0} events; below {} one bad one would decide",
            question.least_events
        ));
    };
    let Some(bad) = bad.and_then(Decimal::from_f64) else {
        return Opinion::NoData(format!("{total:.0} events, of which the bad ones are not known"));
    };
    let (ratio, threshold) = (bad / least, question.threshold);
    let facts = format!(
        "{bad:.0} of {total:.0} events bad, {:.2} %; {} % may be",
        ratio * Decimal::ONE_HUNDRED,
        crate::numbers::percent(threshold)
    );
    if ratio > threshold && bad >= question.least_bad_events.into() {
        Opinion::Fail(facts)
    } else {
        Opinion::Pass(facts)
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::definition::Source;

    fn slo(id: &str) -> Slo {
        let source = Source::read("inference.yaml", include_str!("../tests/fixtures/service.yaml")).unwrap();
        source.check().unwrap().slos.into_iter().find(|slo| slo.id == id).unwrap()
    }

    #[rstest]
    #[case::plenty(0.8, Delivery::Feature, true)]
    #[case::half(0.5, Delivery::Feature, true)]
    #[case::a_little_more_than_a_quarter(0.2501, Delivery::Feature, true)]
    #[case::a_quarter(0.25, Delivery::Feature, false)]
    #[case::a_fix_with_a_quarter(0.25, Delivery::Fix, true)]
    #[case::a_fix_with_nothing(0.0, Delivery::Fix, false)]
    #[case::a_fix_with_debts(-3.0, Delivery::Fix, false)]
    fn the_policy_decides_by_what_is_left(
        #[case] left: f64,
        #[case] delivery: Delivery,
        #[case] passes: bool,
    ) {
        let opinion = of_budget(&slo("api-availability"), Some(left), Some(1.0), delivery);
        assert_eq!(matches!(opinion, Opinion::Pass(_)), passes, "{opinion:?}");
        assert_eq!(matches!(opinion, Opinion::Fail(_)), !passes, "{opinion:?}");
    }

    #[rstest]
    #[case::none(None)]
    #[case::not_a_number(Some(f64::NAN))]
    #[case::endless(Some(f64::NEG_INFINITY))]
    fn no_data_is_no_pass(#[case] left: Option<f64>) {
        let opinion = of_budget(&slo("api-availability"), left, None, Delivery::Fix);
        assert!(matches!(opinion, Opinion::NoData(_)), "{opinion:?}");
    }

    fn question() -> Question {
        Question {
            slo: "api-availability".to_owned(),
            bad: String::new(),
            total: String::new(),
            threshold: Decimal::new(144, 4),
            least_bad_events: 5,
            least_events: 70,
        }
    }

    #[rstest]
    #[case::good(Some(0.0), Some(1000.0), "pass")]
    #[case::just_below(Some(14.0), Some(1000.0), "pass")]
    #[case::just_beyond(Some(15.0), Some(1000.0), "fail")]
    #[case::beyond_and_too_few(Some(4.0), Some(100.0), "pass")]
    #[case::beyond_and_just_enough(Some(5.0), Some(100.0), "fail")]
    #[case::all_of_them(Some(70.0), Some(70.0), "fail")]
    #[case::too_few_events(Some(0.0), Some(69.0), "no data")]
    #[case::no_events(Some(0.0), Some(0.0), "no data")]
    #[case::nothing(None, None, "no data")]
    #[case::half(None, Some(1000.0), "no data")]
    fn a_canary_is_judged_by_its_own_events(
        #[case] bad: Option<f64>,
        #[case] total: Option<f64>,
        #[case] is: &str,
    ) {
        let opinion = of_canary(&question(), bad, total);
        let said = match opinion {
            Opinion::Pass(_) => "pass",
            Opinion::Fail(_) => "fail",
            Opinion::NoData(_) => "no data",
            Opinion::NothingToWatch => "nothing",
        };
        assert_eq!(said, is, "{opinion:?}");
    }
}
