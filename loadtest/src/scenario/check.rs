//! From what a scenario's file says to a [`Scenario`]: what has the right shape and makes no sense is found here. Must
//! never stop at the first fault.

use std::time::Duration;

use rust_decimal::Decimal;
use slo::document::{Document, Fault, Faults};

use super::{Definition, LoadName, Phase, PhaseDefinition, Scenario, StatusDefinition};
use crate::objectives::{Objective, Objectives};
use crate::payload::Route;
use crate::verdict::{AllowedStatus, Expectation, requests_needed};

/// Used where a length of time is wrong, so that the rest can be checked; never leaves this file.
const ANY: Duration = Duration::from_secs(u64::MAX);

/// The service's own field.
const FIELD: &str = "array";

pub(super) fn scenario(document: &Document<Definition>, objectives: &Objectives) -> Result<Scenario, Faults> {
    let said = &document.content;
    let mut check = Check { document, faults: Vec::new() };
    let phases: Vec<_> = (0..).zip(&said.phases).map(|(index, phase)| check.phase(index, phase)).collect();
    let scenario = Scenario {
        name: said.name.clone(),
        shows: said.shows.clone(),
        credentials: said.credentials,
        timeout: check.duration("/timeout", &said.timeout),
        threads: said.threads,
        body_field: said.body_field.clone().unwrap_or_else(|| FIELD.to_owned()),
        expectation: Expectation {
            statuses: check.statuses(&said.expect.statuses),
            objectives: check.objectives(&said.expect.objectives, objectives, &phases),
        },
        phases,
    };
    if check.faults.is_empty() { Ok(scenario) } else { Err(document.faults(check.faults)) }
}

struct Check<'document> {
    document: &'document Document<Definition>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn wrong(&mut self, pointer: &str, message: impl Into<String>) {
        self.faults.push(self.document.fault(pointer, message));
    }

    fn duration(&mut self, pointer: &str, text: &str) -> Duration {
        humantime::parse_duration(text).unwrap_or_else(|error| {
            self.wrong(pointer, format!("{text:?} is no length of time: {error}; expected such as 45s"));
            ANY
        })
    }

    fn phase(&mut self, index: usize, said: &PhaseDefinition) -> Phase {
        let at = format!("/phases/{index}");
        match (said.load, said.rate) {
            (LoadName::Open, None) => {
                self.wrong(&at, "an open load follows a schedule; the field rate is missing")
            }
            (LoadName::Closed, Some(_)) => {
                self.wrong(
                    &format!("{at}/rate"),
                    "a closed load has no rate; leave it out, or say load: open",
                );
            }
            (LoadName::Open, Some(_)) | (LoadName::Closed, None) => {}
        }
        let duration = self.duration(&format!("{at}/duration"), &said.duration);
        if duration < Duration::from_secs(1) {
            self.wrong(
                &format!("{at}/duration"),
                "is shorter than a second, in which nothing can be measured",
            );
        }
        if said.route == Route::Infer && self.document.content.body_field.is_some() {
            self.wrong(
                "/body_field",
                "only bodies of the route api have such a field; leave it out, or ask that route",
            );
        }
        Phase {
            name: said.name.clone(),
            route: said.route,
            rate: said.rate,
            connections: said.connections,
            warm_up_seconds: self.duration(&format!("{at}/warm_up"), &said.warm_up).as_secs_f64(),
            seconds: duration.as_secs_f64(),
        }
    }

    fn statuses(&mut self, said: &[StatusDefinition]) -> Vec<AllowedStatus> {
        let mut statuses = Vec::new();
        for (index, StatusDefinition { status, at_most }) in said.iter().enumerate() {
            let at_most = at_most.as_ref().and_then(|share| {
                share
                    .parse::<Decimal>()
                    .inspect_err(|error| {
                        self.wrong(&format!("/expect/statuses/{index}/at_most"), error.to_string())
                    })
                    .ok()
            });
            statuses.push(AllowedStatus { status: *status, at_most });
        }
        statuses
    }

    fn objectives(&mut self, names: &[String], known: &Objectives, phases: &[Phase]) -> Vec<Objective> {
        let mut objectives = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match known.named(name) {
                Ok(objective) => {
                    self.can_be_judged(&format!("/expect/objectives/{index}"), objective, phases);
                    objectives.push(objective.clone());
                }
                Err(error) => self.wrong(&format!("/expect/objectives/{index}"), error.to_string()),
            }
        }
        objectives
    }

    /// An objective of which the scenario could never say anything is refused rather than never judged.
    fn can_be_judged(&mut self, at: &str, objective: &Objective, phases: &[Phase]) {
        let phases: Vec<_> = phases.iter().filter(|phase| objective.counts(phase.route)).collect();
        let is_closed = phases.iter().any(|phase| phase.rate.is_none());
        if is_closed && objective.threshold_seconds.is_some() {
            self.wrong(
                at,
                "a closed load asks a slow target less, so it can't judge latency; an open load, or another objective",
            );
        }
        if phases.is_empty() {
            self.wrong(at, "no phase asks a route whose requests count toward it");
            return;
        }
        let offered: f64 =
            phases.iter().filter_map(|phase| Some(f64::from(phase.rate?) * phase.seconds)).sum();
        let needed = requests_needed(objective);
        if !is_closed && Decimal::try_from(offered).is_ok_and(|offered| offered < needed) {
            self.wrong(
                at,
                format!("needs {needed} requests, and the phases offer {offered}; longer, or a higher rate"),
            );
        }
    }
}
