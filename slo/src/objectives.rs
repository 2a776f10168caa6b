//! The objectives of one service once they make sense: what every output is made from.
//!
//! A value of these types was checked by [`crate::definition`]; nothing downstream checks again. Must never do IO.

use rust_decimal::Decimal;

use crate::definition::Gate;
use crate::numbers::{Budget, Objective, Period, Severity, Span, Tier};
use crate::query::Selector;

/// All objectives of a service and how they are watched.
#[derive(Debug, Clone)]
pub struct Objectives {
    /// The value of the label `service`.
    pub service: String,
    /// Who answers for it.
    pub owner: String,
    /// Where the runbooks are read, without a slash at the end.
    pub runbooks: String,
    /// The file that all of this is made from, relative to the repository.
    pub source: String,
    /// How Prometheus is run.
    pub prometheus: PrometheusSettings,
    /// Programs that have to be there.
    pub targets: Vec<Target>,
    /// Histograms whose bounds the service takes from here.
    pub histograms: Vec<Histogram>,
    /// The objectives, in the order of the file.
    pub slos: Vec<Slo>,
    /// How much faster than real time everything runs; 1 outside tests.
    pub compression: Compression,
}

/// How Prometheus is run, in real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrometheusSettings {
    /// How often a target is scraped.
    pub scrape_interval: Span,
    /// How often rules are evaluated.
    pub evaluation_interval: Span,
    /// How long samples are kept.
    pub retention: Span,
}

/// A program that has to be there.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its job in Prometheus.
    pub job: String,
    /// The alert when none of its targets answers.
    pub alert: String,
    /// Who hears of it.
    pub severity: Severity,
    /// How long none has to answer.
    pub hold: Span,
    /// What the user notices.
    pub notices: String,
    /// The alert when one of its targets begins anew again and again.
    pub restarting: Option<String>,
}

/// A histogram of the service.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Its name, without `_bucket`.
    pub metric: String,
    /// The constant that the service includes.
    pub constant: String,
    /// Why these bounds.
    pub because: String,
    /// Upper bounds in seconds, ascending, with the thresholds of the objectives among them.
    pub bounds: Vec<Decimal>,
}

/// One objective.
#[derive(Debug, Clone)]
pub struct Slo {
    /// The value of the label `slo`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The share of good events.
    pub objective: Objective,
    /// Over which time.
    pub period: Period,
    /// What is counted.
    pub indicator: Indicator,
    /// Labels by which it is kept apart.
    pub by: Vec<String>,
    /// Bad events in the long window below which nothing fires.
    pub least_bad_events: u32,
    /// The pairs of windows, shortest first.
    pub tiers: Vec<Tier>,
    /// What is done as the budget shrinks, from most to least left.
    pub policy: Vec<PolicyStep>,
    /// Who answers for it.
    pub owner: String,
    /// What the user notices when it is missed.
    pub notices: String,
    /// Why this indicator.
    pub indicator_because: String,
    /// Why this number.
    pub objective_because: String,
}

/// What is counted.
#[derive(Debug, Clone)]
pub enum Indicator {
    /// Counters of bad and of all events.
    Events {
        /// All events that count.
        total: Selector,
        /// The bad ones among them.
        bad: Selector,
    },
    /// Requests that were slower than a bound, or failed.
    Latency {
        /// All requests that count, of the histogram's name.
        total: Selector,
        /// What good means besides being fast, as conditions on labels.
        good: String,
        /// The slowest good answer.
        threshold: Span,
    },
    /// How old something may become.
    Freshness {
        /// Gauges that hold seconds since 1970; 0 where there is nothing to watch.
        timestamp: Selector,
        /// Which times are good.
        bound: Bound,
    },
}

/// Where a timestamp has to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// No further in the past.
    Behind(Span),
    /// At least so far in the future.
    Ahead(Span),
}

/// What is done once no more than so much of a budget is left.
#[derive(Debug, Clone)]
pub struct PolicyStep {
    /// In percent of the budget.
    pub left: Decimal,
    /// What delivery may still do.
    pub gate: Gate,
    /// What people do.
    pub action: String,
}

/// A divisor of every length of time, so that a test of days passes in minutes. Names stay those of real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression(u64);

/// A compression that leaves less than a millisecond of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("time can be divided by 1 to 1000, not by {0}")]
pub struct CompressionError(u64);

impl Compression {
    /// Real time.
    pub const NONE: Self = Self(1);

    /// Divides by a factor from 1 to 1000.
    ///
    /// # Errors
    ///
    /// Beyond that, a scrape interval would be below what Prometheus can keep.
    pub const fn by(factor: u64) -> Result<Self, CompressionError> {
        match factor {
            1..=1000 => Ok(Self(factor)),
            _ => Err(CompressionError(factor)),
        }
    }

    /// What a length of time becomes.
    #[must_use]
    pub const fn of(self, span: Span) -> Span {
        span.part(self.0)
    }

    /// The divisor.
    #[must_use]
    pub const fn factor(self) -> u64 {
        self.0
    }
}

impl Slo {
    /// The share of bad events that it allows.
    #[must_use]
    pub const fn budget(&self) -> Budget {
        self.objective.budget()
    }

    /// The share of bad events at which an alert of a pair of windows fires.
    #[must_use]
    pub fn threshold(&self, tier: &Tier) -> Decimal {
        tier.burn_rate(self.period.span()).threshold(self.budget())
    }

    /// The name of its alerts: `api-latency` becomes `ApiLatencyBurn`.
    #[must_use]
    pub fn alert(&self) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        };
        self.id.split('-').filter_map(capital).chain(["Burn".to_owned()]).collect()
    }

    /// All windows over which its indicator is recorded, ascending: [`SLICE`] and both of each tier.
    #[must_use]
    pub fn windows(&self) -> Vec<Span> {
        let mut windows: Vec<_> =
            self.tiers.iter().flat_map(|tier| [tier.short, tier.long]).chain([SLICE]).collect();
        windows.sort();
        windows.dedup();
        windows
    }
}

/// The slice of which a period's budget is added up.
pub const SLICE: Span = Span::minutes(5);

impl Objectives {
    /// Where an alert's runbook is read.
    #[must_use]
    pub fn runbook(&self, alert: &str) -> String {
        format!("{}/{alert}.md", self.runbooks)
    }
}
