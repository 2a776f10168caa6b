//! What a definitions file may say: one typed struct for each level, from which the published JSON Schema is made.
//!
//! Owns shapes and words, nothing else: what makes sense is decided in `check`, where it stands in the file in
//! [`crate::document`]. Must never hold a default that changes an alert.

mod check;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::document::Document;

/// A definitions file that has the right shape.
pub type Source = Document<Definition>;

/// The JSON Schema of definitions files, as editors use it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Definition);
    schema.insert("title".to_owned(), "Objectives of one service".into());
    schema.to_value()
}

/// The objectives of one service: the only place where a reliability number lives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The service's name, the value of the label `service` on everything that is recorded.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub service: String,
    /// Who answers for objectives that name nobody else.
    pub owner: String,
    /// Where the runbooks are read: the alert's name and `.md` are added.
    pub runbooks: String,
    /// How Prometheus is run: the windows are checked against it, and `observability/` against this.
    pub prometheus: Prometheus,
    /// Programs that have to be there, each with an alert of its own.
    pub targets: Vec<Target>,
    /// Histograms whose bounds the service takes from here. The thresholds of latency objectives are added.
    pub histograms: Vec<Histogram>,
    /// What is done as a budget shrinks, by name, so that objectives can share it.
    pub policies: BTreeMap<String, Vec<Step>>,
    /// The objectives.
    #[schemars(length(min = 1))]
    pub objectives: Vec<ObjectiveDefinition>,
}

/// How Prometheus is run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// How often a target is scraped, such as `15s`.
    pub scrape_interval: String,
    /// How often rules are evaluated, such as `15s`.
    pub evaluation_interval: String,
    /// How long samples are kept; no period may be longer.
    pub retention: String,
}

/// A program that has to be there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its job in Prometheus.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub job: String,
    /// The alert when none of the job's targets answers.
    #[schemars(regex(pattern = r"^[A-Z][A-Za-z]*Down$"))]
    pub alert: String,
    /// Who hears of it.
    pub severity: SeverityName,
    /// How long none has to answer.
    pub hold: String,
    /// What the user notices, in a sentence.
    pub notices: String,
    /// The alert when one of them begins anew again and again; none where that is nobody's concern. The job has to export
    /// `process_start_time_seconds`.
    #[schemars(regex(pattern = r"^[A-Z][A-Za-z]*Restarting$"))]
    pub restarting: Option<String>,
}

/// A histogram of the service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Its name, without `_bucket`.
    pub metric: String,
    /// The constant that the service includes.
    #[schemars(regex(pattern = r"^[A-Z][A-Z0-9_]*$"))]
    pub constant: String,
    /// Why these bounds.
    pub because: String,
    /// Bounds in seconds besides the thresholds of the objectives, such as `"0.025"`.
    pub bounds: Vec<String>,
}

/// What is done once no more than so much of a budget is left.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// In percent of the budget, such as `"25"`.
    #[schemars(regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub left: String,
    /// What delivery may still do.
    pub gate: Gate,
    /// What people do, in a sentence.
    pub action: String,
}

/// What delivery may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Everything.
    Open,
    /// What makes it more reliable, and security fixes.
    Fixes,
    /// Nothing but rolling back.
    Closed,
}

/// One objective.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveDefinition {
    /// Its name, the value of the label `slo`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"))]
    pub id: String,
    /// What it is called on dashboards.
    pub title: String,
    /// Percent of events that have to be good, as a text so that it stays exact: `"99.9"`.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?$"))]
    pub objective: String,
    /// Over which time: `7d`, `28d`, `30d` or `90d`.
    pub period: PeriodName,
    /// What is counted.
    pub indicator: Indicator,
    /// Labels by which it is kept apart: each value has its own budget and its own alerts.
    #[serde(default)]
    pub by: Vec<String>,
    /// Bad events within the long window below which nothing fires, so that one failure in a quiet night wakes nobody.
    /// Unlike a least number of requests it can't hide a total outage.
    #[schemars(range(min = 1))]
    pub least_bad_events: u32,
    /// Windows instead of the period's own ones.
    #[serde(default)]
    pub tiers: Option<Vec<TierDefinition>>,
    /// Which of the policies.
    pub policy: String,
    /// Who answers for it, when it isn't the service's owner.
    #[serde(default)]
    pub owner: Option<String>,
    /// What the user notices when it is missed.
    pub notices: String,
    /// Why this indicator.
    pub indicator_because: String,
    /// Why this number.
    pub objective_because: String,
}

/// What is counted: exactly one of the kinds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Counters of bad and of all events.
    #[serde(default)]
    pub events: Option<Events>,
    /// Requests that were slower than a bound, or failed.
    #[serde(default)]
    pub latency: Option<Latency>,
    /// Answers that a prober got.
    #[serde(default)]
    pub prober: Option<Prober>,
    /// How old something may become.
    #[serde(default)]
    pub freshness: Option<Freshness>,
}

/// Counters of bad and of all events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Selects all events that count, such as `requests_total{error_source!~"client|limit"}`.
    pub total: String,
    /// Selects the bad ones among them.
    pub bad: String,
}

/// Requests that were slower than a bound, or failed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Selects all requests that count, of the histogram's name without `_bucket` or `_count`.
    pub total: String,
    /// What good means besides being fast, such as `error_source=""`.
    pub good: String,
    /// The slowest good answer, such as `25ms`. It becomes a bound of the histogram.
    pub threshold: String,
}

/// Answers that a prober got.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prober {
    /// Selects the answers, such as `probe_answers_total{http_route="/api"}`.
    pub answers: String,
    /// Results that count as bad.
    #[schemars(length(min = 1))]
    pub bad: Vec<String>,
    /// Results that count at all, the bad ones included.
    #[schemars(length(min = 1))]
    pub among: Vec<String>,
}

/// How old something may become. A timestamp of 0 means that there is nothing to watch. Exactly one bound.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// Selects gauges that hold seconds since 1970.
    pub timestamp: String,
    /// How far the time may lie behind, such as `15m`: for the time of a last refresh.
    #[serde(default)]
    pub behind: Option<String>,
    /// How far the time has to lie ahead, such as `6h`: for the time of an end.
    #[serde(default)]
    pub ahead: Option<String>,
}

/// One pair of windows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TierDefinition {
    /// Who hears of it.
    pub severity: SeverityName,
    /// Percent of the period's budget that is gone after one long window.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?$"))]
    pub share: String,
    /// The long window; the short one is a twelfth of it.
    pub long: String,
    /// How long the condition has to hold.
    pub hold: String,
}

/// Who hears of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityName {
    /// Somebody is called now.
    Page,
    /// Somebody looks on the next working day.
    Ticket,
}

/// Over which time an objective holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum PeriodName {
    /// One week.
    #[serde(rename = "7d")]
    Days7,
    /// Four weeks.
    #[serde(rename = "28d")]
    Days28,
    /// About a month.
    #[serde(rename = "30d")]
    Days30,
    /// About a quarter.
    #[serde(rename = "90d")]
    Days90,
}

#[cfg(test)]
mod tests;
