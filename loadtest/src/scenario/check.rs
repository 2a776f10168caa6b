//! From what a scenario's file says to a [`Scenario`]: what has the right shape and makes no sense is found here. Must
//! never stop at the first fault.

use std::time::Duration;

use rust_decimal::Decimal;
use slo::document::{Document, Fault, Faults};

use super::{
    Credentials, Definition, LoadName, OverloadDefinition, Phase, PhaseDefinition, Scenario, Service,
    ServiceDefinition, StatusDefinition, SteadyDefinition,
};
use crate::objectives::{Objective, Objectives};
use crate::payload::Route;
use crate::share::Part;
use crate::verdict::{AllowedStatus, Expectation, KeptQuota, Overload, Steady, requests_needed};

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
        only_class: said.only_class,
        service: check.service(said.service.as_ref()),
        expectation: Expectation {
            statuses: check.statuses(&said.expect.statuses),
            objectives: check.objectives(&said.expect.objectives, objectives, &phases),
            overload: check.overload(said.expect.overload.as_ref(), &phases),
            steady: check.steady(said),
            quota: check.neighbour(said),
            slow_clients_ended_within: check.slow_clients(said),
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
        let instances = self.document.content.service.as_ref().and_then(|service| service.instances);
        if said.restarts && instances.is_none() {
            self.wrong(
                &format!("{at}/restarts"),
                "nobody answers while the only instance is away; give service.instances",
            );
        }
        if said.route == Route::Infer && self.document.content.body_field.is_some() {
            self.wrong(
                "/body_field",
                "only bodies of the route api have such a field; leave it out, or ask that route",
            );
        }
        let phase = Phase {
            name: said.name.clone(),
            route: said.route,
            rate: said.rate,
            connections: said.connections,
            identities: said.identities,
            warm_up_seconds: self.duration(&format!("{at}/warm_up"), &said.warm_up).as_secs_f64(),
            seconds: duration.as_secs_f64(),
            overload: said.overload,
            slow_clients: said.slow_clients,
            restarts: said.restarts,
            neighbour: said.neighbour,
        };
        self.identities(&format!("{at}/identities"), &phase);
        phase
    }

    fn identities(&mut self, at: &str, phase: &Phase) {
        let Some(of) = phase.identities else { return };
        if !self.document.content.credentials.has_tokens() {
            self.wrong(
                at,
                "each client is known by a token of its own; credentials: es256, or another that signs one",
            );
        }
        if let Err(indivisible) = (Part { index: 0, of }).of_phase(phase) {
            self.wrong(at, indivisible.to_string());
        }
    }

    fn service(&mut self, said: Option<&ServiceDefinition>) -> Service {
        let Some(ServiceDefinition { instances, options, answers_take, quota }) = said else {
            return Service::default();
        };
        if instances.is_some() && self.document.content.credentials == Credentials::Bearer {
            self.wrong(
                "/credentials",
                "each instance makes a key of its own, which no other knows; es256, or another with one key for all",
            );
        }
        let milliseconds = |check: &mut Self, text: &String| {
            u64::try_from(check.duration("/service/answers_take", text).as_millis()).unwrap_or(u64::MAX)
        };
        let answers_take_ms = answers_take.as_ref().map(|text| milliseconds(self, text));
        Service {
            instances: instances.unwrap_or(1),
            options: options.clone(),
            answers_take_ms,
            quota: *quota,
        }
    }

    fn overload(&mut self, said: Option<&OverloadDefinition>, phases: &[Phase]) -> Option<Overload> {
        let at = "/expect/overload";
        let last = phases.iter().rposition(|phase| phase.overload);
        let (said, last) = match (said, last) {
            (Some(said), Some(last)) => (said, last),
            (None, None) => return None,
            (Some(_), None) => {
                self.wrong(
                    at,
                    "no phase asks for more than can be done; say overload: true in one, or leave it out",
                );
                return None;
            }
            (None, Some(_)) => {
                self.wrong(
                    "/expect",
                    "a phase is an overload; the field overload says what has to hold in it",
                );
                return None;
            }
        };
        if last + 1 == phases.len() {
            self.wrong(at, "no phase comes after the overload, so nobody would see a recovery");
        }
        let growth = said.memory_growth_at_most.as_ref();
        Some(Overload {
            goodput_at_least: self.share(&format!("{at}/goodput_at_least"), &said.goodput_at_least)?,
            memory_growth_at_most: growth
                .and_then(|share| self.share(&format!("{at}/memory_growth_at_most"), share)),
            recovery: self.duration(&format!("{at}/recovery"), &said.recovery),
        })
    }

    fn steady(&mut self, said: &Definition) -> Option<Steady> {
        let at = "/expect/steady";
        let SteadyDefinition { memory_growth_at_most, p99_growth_at_most } = said.expect.steady.as_ref()?;
        Some(Steady {
            memory_growth_at_most: self
                .share(&format!("{at}/memory_growth_at_most"), memory_growth_at_most)?,
            p99_growth_at_most: self.share(&format!("{at}/p99_growth_at_most"), p99_growth_at_most)?,
        })
    }

    fn neighbour(&mut self, said: &Definition) -> Option<KeptQuota> {
        let at = "/expect/neighbour";
        let is_there = said.phases.iter().any(|phase| phase.neighbour.is_some());
        let quota = said.service.as_ref().and_then(|service| service.quota);
        if is_there && quota.is_none() {
            self.wrong(
                "/service",
                "a neighbour asks for more than its quota; the field quota says how much that is",
            );
        }
        if is_there && !said.credentials.has_tokens() {
            self.wrong(
                "/credentials",
                "a neighbour is known by a token of its own; es256, or another that signs one",
            );
        }
        match &said.expect.neighbour {
            None if is_there => {
                self.wrong("/expect", "a phase has a neighbour; the field neighbour says what it gets");
                None
            }
            Some(_) if !is_there => {
                self.wrong(at, "no phase has a neighbour; leave it out");
                None
            }
            kept => {
                let share = &kept.as_ref()?.quota_at_least;
                Some(KeptQuota {
                    quota: quota?,
                    at_least: self.share(&format!("{at}/quota_at_least"), share)?,
                })
            }
        }
    }

    fn slow_clients(&mut self, said: &Definition) -> Option<Duration> {
        let at = "/expect/slow_clients_ended_within";
        let are_there = said.phases.iter().any(|phase| phase.slow_clients.is_some());
        if are_there && said.credentials.is_encrypted() {
            self.wrong("/credentials", "slow clients speak in the clear; none, or a token");
        }
        match &said.expect.slow_clients_ended_within {
            None if are_there => {
                self.wrong(
                    "/expect",
                    "clients are slow; the field slow_clients_ended_within says how long they may be",
                );
                None
            }
            Some(_) if !are_there => {
                self.wrong(at, "no phase has slow_clients; leave it out");
                None
            }
            within => within.as_ref().map(|text| self.duration(at, text)),
        }
    }

    fn share(&mut self, pointer: &str, text: &str) -> Option<Decimal> {
        text.parse().inspect_err(|error: &rust_decimal::Error| self.wrong(pointer, error.to_string())).ok()
    }

    fn statuses(&mut self, said: &[StatusDefinition]) -> Vec<AllowedStatus> {
        let mut statuses = Vec::new();
        for (index, StatusDefinition { status, at_most }) in said.iter().enumerate() {
            let pointer = format!("/expect/statuses/{index}/at_most");
            let at_most = at_most.as_ref().and_then(|share| self.share(&pointer, share));
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
        let phases: Vec<_> =
            phases.iter().filter(|phase| !phase.overload && objective.counts(phase.route)).collect();
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
