//! The recording rules of an objective: events and ratios by window, the budget of the period, what doesn't change.

use std::collections::BTreeMap;

use super::{Context, Rule};
use crate::numbers::Span;
use crate::objectives::SLICE;
use crate::query::{Query, QueryError};

/// How often the period is added up. Below Prometheus' look-back of five minutes, so that the series has no gaps.
pub(super) const PERIOD_INTERVAL: Span = Span::minutes(1);

impl Context<'_> {
    fn record(self, name: &str, query: impl Into<String>) -> Result<Rule, QueryError> {
        let labels = BTreeMap::from([
            ("service".to_owned(), self.objectives.service.clone()),
            ("slo".to_owned(), self.slo.id.clone()),
        ]);
        Ok(Rule::Record { record: name.to_owned(), expr: Query::parse(query)?, labels })
    }

    /// What freshness counts.
    pub(super) fn samples(self) -> Result<Vec<Rule>, QueryError> {
        let samples = self.slo.samples(self.objectives.compression)?;
        samples.into_iter().map(|sample| self.record(sample.record, sample.query.as_str())).collect()
    }

    /// Bad and total events and their ratio over each window.
    ///
    /// Where there are no events there is no ratio: 0 ÷ 0 would be recorded as NaN, and one NaN makes a sum over a
    /// period NaN (sloth #531).
    pub(super) fn windows(self) -> Result<Vec<Rule>, QueryError> {
        let mut rules = Vec::new();
        for window in self.slo.windows() {
            let pair = self.slo.pair(&self.objectives.service, self.objectives.compression.of(window))?;
            let (bad, total) = (format!("slo:bad:increase{window}"), format!("slo:total:increase{window}"));
            rules.push(self.record(&total, pair.total.as_str())?);
            rules.push(self.record(&bad, pair.bad.as_str())?);
            rules.push(self.record(
                &format!("slo:sli_error:ratio_rate{window}"),
                format!("{} / ({} > 0)", self.recorded(&bad), self.recorded(&total)),
            )?);
        }
        Ok(rules)
    }

    /// What the definitions say, so that dashboards and people can read it beside what is measured.
    pub(super) fn constants(self) -> Result<Vec<Rule>, QueryError> {
        let (slo, budget) = (self.slo, self.slo.budget().ratio());
        let burning = self.recorded(&format!("slo:sli_error:ratio_rate{SLICE}"));
        Ok(vec![
            self.record("slo:objective:ratio", format!("vector({})", slo.objective.ratio()))?,
            self.record("slo:error_budget:ratio", format!("vector({budget})"))?,
            self.record("slo:time_period:days", format!("vector({})", slo.period.span().in_days()))?,
            self.record("slo:current_burn_rate:ratio", format!("{burning} / {budget}"))?,
        ])
    }

    /// The budget of the period, weighted by requests: slices of recorded increases are summed, never an average of
    /// ratios, which would count a quiet night like a busy noon. It may be negative, and is unknown until there is
    /// something to know.
    pub(super) fn period(self) -> Result<Vec<Rule>, QueryError> {
        let (period, slice) = (self.slo.period.span(), SLICE);
        let compression = self.objectives.compression;
        let over = format!("[{}:{}]", compression.of(period), compression.of(slice));
        let [bad, total] =
            ["bad", "total"].map(|events| self.recorded(&format!("slo:{events}:increase{slice}")));
        let [period_bad, period_total] =
            ["bad", "total"].map(|events| self.recorded(&format!("slo:period_{events}:increase")));
        let slices = period.millis() / slice.millis();
        Ok(vec![
            self.record("slo:period_bad:increase", format!("sum_over_time({bad}{over})"))?,
            self.record("slo:period_total:increase", format!("sum_over_time({total}{over})"))?,
            self.record(
                "slo:period_error_budget_remaining:ratio",
                format!("1 - {period_bad} / ({period_total} > 0) / {}", self.slo.budget().ratio()),
            )?,
            self.record("slo:period_coverage:ratio", format!("count_over_time({total}{over}) / {slices}"))?,
        ])
    }
}
