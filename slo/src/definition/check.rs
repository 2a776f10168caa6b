//! From what a file says to [`Objectives`]: everything that has the right shape and makes no sense is found here.
//!
//! Must never stop at the first fault.

use std::collections::HashMap;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::{
    Definition, Indicator as Said, ObjectiveDefinition, PeriodName, SeverityName, Source, Step,
    TierDefinition,
};
use crate::document::{Fault, Faults};
use crate::numbers::{Objective, Period, Severity, Span, Tier, percent};
use crate::objectives::{
    Bound, Compression, Histogram, Indicator, Objectives, PolicyStep, PrometheusSettings, Slo, Target,
};
use crate::query::{Query, Selector};

/// A rate needs two samples; with four, one failed scrape and its neighbour are not silence.
const LEAST_SAMPLES: u64 = 4;

/// Labels that the compiler sets itself.
const RESERVED: [&str; 7] = ["slo", "service", "severity", "short", "long", "le", "alertname"];

/// Used where a field is wrong, so that the rest can be checked; never leaves this file.
const ANY: Span = Span::minutes(5);

impl Source {
    /// Checks all of it.
    ///
    /// # Errors
    ///
    /// Everything that makes no sense, at once.
    pub fn check(&self) -> Result<Objectives, Faults> {
        let mut check = Check { source: self, faults: Vec::new() };
        let objectives = check.objectives(&self.content);
        if check.faults.is_empty() { Ok(objectives) } else { Err(self.faults(check.faults)) }
    }
}

struct Check<'source> {
    source: &'source Source,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn wrong(&mut self, pointer: &str, message: impl Into<String>) {
        self.faults.push(self.source.fault(pointer, message));
    }

    fn read<T: FromStr<Err: std::fmt::Display>>(&mut self, pointer: &str, text: &str) -> Option<T> {
        text.parse().inspect_err(|error| self.wrong(pointer, format!("{error}"))).ok()
    }

    fn span(&mut self, pointer: &str, text: &str) -> Span {
        self.read(pointer, text).unwrap_or(ANY)
    }

    fn objectives(&mut self, said: &Definition) -> Objectives {
        let prometheus = PrometheusSettings {
            scrape_interval: self.span("/prometheus/scrape_interval", &said.prometheus.scrape_interval),
            evaluation_interval: self
                .span("/prometheus/evaluation_interval", &said.prometheus.evaluation_interval),
            retention: self.span("/prometheus/retention", &said.prometheus.retention),
        };
        let policies = self.policies(said);
        let slos: Vec<Slo> = said
            .objectives
            .iter()
            .enumerate()
            .filter_map(|(index, objective)| {
                self.slo(&format!("/objectives/{index}"), objective, said, prometheus, &policies)
            })
            .collect();
        self.unique(said);
        Objectives {
            service: said.service.clone(),
            owner: said.owner.clone(),
            runbooks: said.runbooks.trim_end_matches('/').to_owned(),
            source: self.source.name().to_owned(),
            prometheus,
            targets: self.targets(said),
            histograms: self.histograms(said, &slos),
            slos,
            compression: Compression::NONE,
        }
    }

    fn slo(
        &mut self,
        at: &str,
        said: &ObjectiveDefinition,
        definition: &Definition,
        prometheus: PrometheusSettings,
        policies: &HashMap<String, Vec<PolicyStep>>,
    ) -> Option<Slo> {
        let objective: Option<Objective> = self.read(&format!("{at}/objective"), &said.objective);
        let indicator = self.indicator(&format!("{at}/indicator"), &said.indicator);
        let period = period(said.period);
        if period.span() > prometheus.retention {
            let message = format!(
                "{} is longer than samples are kept ({}); a shorter period or a longer prometheus.retention",
                period.span(),
                prometheus.retention
            );
            self.wrong(&format!("{at}/period"), message);
        }
        if !policies.contains_key(&said.policy) {
            let known: Vec<_> = definition.policies.keys().map(String::as_str).collect();
            self.wrong(
                &format!("{at}/policy"),
                format!("there is no policy {:?}; there are {}", said.policy, known.join(", ")),
            );
        }
        self.labels(at, &said.by);
        let tiers = self.tiers(at, said.tiers.as_deref(), period);
        for tier in &tiers {
            self.tier(at, tier, objective, period, prometheus);
        }
        Some(Slo {
            id: said.id.clone(),
            title: said.title.clone(),
            objective: objective?,
            period,
            indicator: indicator?,
            by: said.by.clone(),
            least_bad_events: said.least_bad_events,
            tiers,
            policy: policies.get(&said.policy).cloned().unwrap_or_default(),
            owner: said.owner.clone().unwrap_or_else(|| definition.owner.clone()),
            notices: said.notices.clone(),
            indicator_because: said.indicator_because.clone(),
            objective_because: said.objective_because.clone(),
        })
    }

    /// An alert that can't fire, or that warns of a budget that lasts, is refused rather than written.
    fn tier(
        &mut self,
        at: &str,
        tier: &Tier,
        objective: Option<Objective>,
        period: Period,
        prometheus: PrometheusSettings,
    ) {
        let rate = tier.burn_rate(period.span());
        if rate.factor() < Decimal::ONE {
            self.wrong(
                &format!("{at}/tiers"),
                format!(
                    "{} % of a budget of {} in {} is a burn rate of {rate}: below 1 the budget lasts; a larger share or \
                     a shorter window",
                    percent(tier.share),
                    period.span(),
                    tier.long
                ),
            );
        }
        if tier.short < prometheus.scrape_interval.times(LEAST_SAMPLES) {
            self.wrong(
                &format!("{at}/tiers"),
                format!(
                    "the short window {} of {} holds fewer than {LEAST_SAMPLES} scrapes of {}; a longer window or a \
                     shorter prometheus.scrape_interval",
                    tier.short, tier.long, prometheus.scrape_interval
                ),
            );
        }
        if let Some(objective) = objective {
            let threshold = rate.threshold(objective.budget());
            if threshold >= Decimal::ONE {
                self.wrong(
                    &format!("{at}/objective"),
                    format!(
                        "{objective} % can never set off the alert over {}: it needs {rate} × {} % = {} % of bad events; \
                         a higher objective, or tiers with smaller shares",
                        tier.long,
                        objective.budget(),
                        percent(threshold)
                    ),
                );
            }
        }
    }

    fn tiers(&mut self, at: &str, said: Option<&[TierDefinition]>, period: Period) -> Vec<Tier> {
        let Some(said) = said else { return period.tiers().to_vec() };
        let mut tiers: Vec<Tier> = said
            .iter()
            .enumerate()
            .map(|(index, tier)| {
                let at = format!("{at}/tiers/{index}");
                let share: Decimal = self.read(&format!("{at}/share"), &tier.share).unwrap_or(Decimal::ONE);
                let long = self.span(&format!("{at}/long"), &tier.long);
                let hold = self.span(&format!("{at}/hold"), &tier.hold);
                let share = share / Decimal::ONE_HUNDRED;
                Tier { severity: severity(tier.severity), share, long, short: long.part(12), hold }
            })
            .collect();
        tiers.sort_by_key(|tier| tier.long);
        if tiers.windows(2).any(|pair| matches!(pair, [one, other] if one.long == other.long)) {
            self.wrong(
                &format!("{at}/tiers"),
                "two tiers have the same long window; one of them says nothing",
            );
        }
        tiers
    }

    fn indicator(&mut self, at: &str, said: &Said) -> Option<Indicator> {
        match said {
            Said { events: Some(events), latency: None, prober: None, freshness: None } => {
                Some(Indicator::Events {
                    total: self.selector(&format!("{at}/events/total"), &events.total)?,
                    bad: self.selector(&format!("{at}/events/bad"), &events.bad)?,
                })
            }
            Said { events: None, latency: Some(latency), prober: None, freshness: None } => {
                let at = format!("{at}/latency");
                let threshold = self.span(&format!("{at}/threshold"), &latency.threshold);
                let total = self.selector(&format!("{at}/total"), &latency.total)?;
                if let Err(error) = total.and(&latency.good) {
                    self.wrong(&format!("{at}/good"), error.to_string());
                }
                Some(Indicator::Latency { total, good: latency.good.clone(), threshold })
            }
            Said { events: None, latency: None, prober: Some(prober), freshness: None } => {
                let at = format!("{at}/prober");
                if let Some(result) = prober.bad.iter().find(|result| !prober.among.contains(result)) {
                    self.wrong(
                        &format!("{at}/bad"),
                        format!("{result:?} is not among those that count; add it to `among`"),
                    );
                }
                let answers = self.selector(&format!("{at}/answers"), &prober.answers)?;
                let mut narrowed = |field: &str, results: &[String]| {
                    let at = format!("{at}/{field}");
                    answers
                        .and(&format!("result=~\"{}\"", results.join("|")))
                        .inspect_err(|error| self.wrong(&at, error.to_string()))
                        .ok()
                };
                Some(Indicator::Events {
                    total: narrowed("among", &prober.among)?,
                    bad: narrowed("bad", &prober.bad)?,
                })
            }
            Said { events: None, latency: None, prober: None, freshness: Some(freshness) } => {
                let at = format!("{at}/freshness");
                let bound = match (&freshness.behind, &freshness.ahead) {
                    (Some(behind), None) => Bound::Behind(self.span(&format!("{at}/behind"), behind)),
                    (None, Some(ahead)) => Bound::Ahead(self.span(&format!("{at}/ahead"), ahead)),
                    _ => {
                        self.wrong(&at, "expected exactly one of `behind` and `ahead`");
                        return None;
                    }
                };
                Some(Indicator::Freshness {
                    timestamp: self.selector(&format!("{at}/timestamp"), &freshness.timestamp)?,
                    bound,
                })
            }
            _ => {
                self.wrong(at, "expected exactly one of `events`, `latency`, `prober` and `freshness`");
                None
            }
        }
    }

    fn selector(&mut self, at: &str, text: &str) -> Option<Selector> {
        Query::selector(text).inspect_err(|error| self.wrong(at, error.to_string())).ok()
    }

    fn labels(&mut self, at: &str, by: &[String]) {
        for (index, label) in by.iter().enumerate() {
            let at = format!("{at}/by/{index}");
            if RESERVED.contains(&label.as_str()) {
                self.wrong(&at, format!("the label {label} is set by the compiler; another one"));
            } else if Query::selector(&format!("x{{{label}=\"\"}}")).is_err() {
                self.wrong(&at, format!("{label:?} is not the name of a label"));
            }
        }
    }

    fn policies(&mut self, said: &Definition) -> HashMap<String, Vec<PolicyStep>> {
        let mut policies = HashMap::new();
        for (name, steps) in &said.policies {
            let read: Vec<PolicyStep> = steps
                .iter()
                .enumerate()
                .filter_map(|(index, Step { left, gate, action })| {
                    let left = self.read(&format!("/policies/{name}/{index}/left"), left)?;
                    Some(PolicyStep { left, gate: *gate, action: action.clone() })
                })
                .collect();
            if !read.is_sorted_by(|one, next| one.left > next.left) {
                self.wrong(&format!("/policies/{name}"), "the steps have to go from most to least left");
            }
            policies.insert(name.clone(), read);
        }
        policies
    }

    fn targets(&mut self, said: &Definition) -> Vec<Target> {
        let mut targets = Vec::new();
        for (index, target) in said.targets.iter().enumerate() {
            targets.push(Target {
                job: target.job.clone(),
                alert: target.alert.clone(),
                severity: severity(target.severity),
                hold: self.span(&format!("/targets/{index}/hold"), &target.hold),
                notices: target.notices.clone(),
                restarting: target.restarting.clone(),
            });
        }
        targets
    }

    /// The bounds that are asked for, and the thresholds of the objectives among them.
    fn histograms(&mut self, said: &Definition, slos: &[Slo]) -> Vec<Histogram> {
        for (index, slo) in slos.iter().enumerate() {
            if let Indicator::Latency { total, .. } = &slo.indicator
                && !said.histograms.iter().any(|histogram| histogram.metric == total.metric())
            {
                self.wrong(
                    &format!("/objectives/{index}/indicator/latency/total"),
                    format!(
                        "{} is not one of the histograms, so its threshold would be no bound of it",
                        total.metric()
                    ),
                );
            }
        }
        let mut histograms = Vec::new();
        for (index, histogram) in said.histograms.iter().enumerate() {
            let mut bounds: Vec<Decimal> = Vec::new();
            for (bound, text) in histogram.bounds.iter().enumerate() {
                bounds.extend(self.read::<Decimal>(&format!("/histograms/{index}/bounds/{bound}"), text));
            }
            bounds.extend(slos.iter().filter_map(|slo| match &slo.indicator {
                Indicator::Latency { total, threshold, .. } if total.metric() == histogram.metric => {
                    Some(threshold.seconds())
                }
                _ => None,
            }));
            bounds.sort();
            bounds.dedup();
            histograms.push(Histogram {
                metric: histogram.metric.clone(),
                constant: histogram.constant.clone(),
                because: histogram.because.clone(),
                bounds,
            });
        }
        histograms
    }

    fn unique(&mut self, said: &Definition) {
        for (index, objective) in said.objectives.iter().enumerate() {
            if said.objectives.iter().take(index).any(|other| other.id == objective.id) {
                self.wrong(
                    &format!("/objectives/{index}/id"),
                    format!("{:?} stands twice; ids are unique", objective.id),
                );
            }
        }
    }
}

const fn severity(name: SeverityName) -> Severity {
    match name {
        SeverityName::Page => Severity::Page,
        SeverityName::Ticket => Severity::Ticket,
    }
}

const fn period(name: PeriodName) -> Period {
    match name {
        PeriodName::Days7 => Period::Days7,
        PeriodName::Days28 => Period::Days28,
        PeriodName::Days30 => Period::Days30,
        PeriodName::Days90 => Period::Days90,
    }
}
