//! How long a condition has to hold before its alert fires, and what the person then reads.

use super::Named;
use super::expected::alert_labels;
use super::file::{AlertTest, ExpectedAlert, Test, TestFile};
use super::tier::{at, rule_file, stage};
use super::timing::Mix;
use super::traffic::{Sight, Traffic};
use crate::numbers::{Span, Tier};
use crate::objectives::{Indicator, Objectives, Slo};
use crate::query::QueryError;
use crate::rules::{self, Alert, Group, Rule};

/// One file for each length of hold.
pub(super) fn files(objectives: &Objectives, slo: &Slo) -> Result<Vec<Named>, QueryError> {
    let mut holds: Vec<Span> = slo.tiers.iter().map(|tier| tier.hold).collect();
    holds.sort();
    holds.dedup();
    holds.into_iter().map(|hold| file(objectives, slo, hold)).collect()
}

/// How long a condition has to hold, to a fifth of it, and what the person reads.
fn file(objectives: &Objectives, slo: &Slo, hold: Span) -> Result<Named, QueryError> {
    const FIFTHS: usize = 5;
    let step = hold.part(5);
    let traffic = Traffic { slo, histograms: &objectives.histograms, step };
    let all_bad = Mix { good: 0, bad: 10 };
    // Gauges can't lie in the past of the epoch, so all begin late enough for that.
    let begin = 2 + usize::try_from(Span::hours(1).millis() / step.millis()).unwrap_or(usize::MAX);
    let stages = [stage(begin, all_bad), stage(3 * FIFTHS, all_bad)];
    // An increase needs a second sample; a gauge counts at once.
    let holds = begin + if matches!(slo.indicator, Indicator::Freshness { .. }) { 1 } else { 2 };
    let fires = holds + FIFTHS;
    let groups = rules::groups_of(objectives, slo)?;
    let expected = |with_own: bool| {
        let due = slo.tiers.iter().filter(|tier| tier.hold < hold || (with_own && tier.hold == hold));
        due.map(|tier| expected_alert(objectives, slo, tier, &groups)).collect()
    };
    let alerts = |step_number, exp_alerts| AlertTest {
        eval_time: at(step, step_number),
        alertname: slo.alert(),
        exp_alerts,
    };
    let test = Test {
        name: format!("{} fires after a hold of {hold}, not before, with the words that help", slo.alert()),
        interval: step,
        input_series: traffic.series(&stages, Sight::Appearing, "a")?,
        alert_rule_test: vec![alerts(fires - 1, expected(false)), alerts(fires, expected(true))],
        promql_expr_test: Vec::new(),
    };
    Ok(Named {
        name: format!("{}/hold-{hold}", slo.id),
        file: TestFile {
            rule_files: vec![rule_file(slo)],
            evaluation_interval: step,
            fuzzy_compare: true,
            tests: vec![test],
        },
    })
}

/// The alert of a tier while every event is bad, with the words of its rule.
fn expected_alert(objectives: &Objectives, slo: &Slo, tier: &Tier, groups: &[Group]) -> ExpectedAlert {
    let said = groups.iter().flat_map(|group| &group.rules).find_map(|rule| match rule {
        Rule::Alert(Alert { labels, annotations, .. })
            if labels.get("long") == Some(&tier.long.to_string()) =>
        {
            Some(annotations)
        }
        _ => None,
    });
    let filled = |text: &String| text.replace("{{ $value | humanizePercentage }}", "100%");
    ExpectedAlert {
        exp_labels: alert_labels(objectives, slo, tier),
        exp_annotations: said
            .into_iter()
            .flatten()
            .map(|(name, text)| (name.clone(), filled(text)))
            .collect(),
    }
}
