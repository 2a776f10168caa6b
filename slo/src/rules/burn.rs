//! The alerts of an objective: one for each pair of windows.

use std::collections::BTreeMap;

use super::{Alert, Context, Rule};
use crate::numbers::{Severity, Span, Tier, percent};
use crate::objectives::Objectives;
use crate::query::{Query, QueryError};

impl Context<'_> {
    /// Each fires while both of its windows burn faster than its rate. The short one ends it soon after the fault has
    /// ended (Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts").
    pub(super) fn burn_alerts(self) -> Result<Vec<Rule>, QueryError> {
        self.slo.tiers.iter().map(|tier| self.burn_alert(tier)).collect()
    }

    fn burn_alert(self, tier: &Tier) -> Result<Rule, QueryError> {
        let (slo, Tier { long, short, .. }) = (self.slo, tier);
        let threshold = slo.threshold(tier);
        let ratio = |window: &Span| self.recorded(&format!("slo:sli_error:ratio_rate{window}"));
        let bad = self.recorded(&format!("slo:bad:increase{long}"));
        Ok(Rule::Alert(Alert {
            alert: slo.alert(),
            // The long window first: its ratio is the value that the annotations show.
            expr: Query::parse(format!(
                "{} > {threshold}\nand\n{} > {threshold}\nand\n{bad} >= {}",
                ratio(long),
                ratio(short),
                slo.least_bad_events
            ))?,
            hold: self.objectives.compression.of(tier.hold).to_string(),
            labels: labels(self.objectives, &slo.id, tier.severity)
                .into_iter()
                .chain([("long".to_owned(), long.to_string()), ("short".to_owned(), short.to_string())])
                .collect(),
            annotations: self.burn_words(tier),
        }))
    }

    /// What the person who is called reads. A value may stand here, never in a label: the alert would be a new one at
    /// each evaluation and never fire.
    fn burn_words(self, tier: &Tier) -> BTreeMap<String, String> {
        let (slo, period) = (self.slo, self.slo.period.span());
        let rate = tier.burn_rate(period);
        let share = percent(tier.share);
        annotations([
            ("summary", format!("{}: the error budget goes at least {rate} times too fast", slo.title)),
            (
                "description",
                format!(
                    "{{{{ $value | humanizePercentage }}}} of events were bad in the last {long}; {budget} % may be. At \
                     least {share} % of the budget of {period} goes within {long}; at this rate all of it is gone \
                     within {gone}. {notices}",
                    long = tier.long,
                    budget = slo.budget(),
                    gone = rough(rate.exhausts_in(period)),
                    notices = slo.notices,
                ),
            ),
            ("runbook_url", self.objectives.runbook(&slo.alert())),
        ])
    }
}

/// The labels that every alert has. Inhibition compares `service` and `slo`, and labels that both sides lack are equal.
pub(super) fn labels(objectives: &Objectives, slo: &str, severity: Severity) -> BTreeMap<String, String> {
    [("service", objectives.service.clone()), ("slo", slo.to_owned()), ("severity", severity.to_string())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

pub(super) fn annotations<const N: usize>(texts: [(&str, String); N]) -> BTreeMap<String, String> {
    texts.map(|(name, text)| (name.to_owned(), text)).into()
}

/// To the hour: `2d2h`.
fn rough(span: Span) -> Span {
    let hour = Span::hours(1).millis();
    Span::hours((span.millis() / hour).max(1))
}
