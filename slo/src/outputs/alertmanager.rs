//! Alertmanager's configuration: which severity goes where, and which alert silences which.
//!
//! Who is called is written by hand in `receivers.yaml` and taken over word for word: it is no reliability number.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Output, OutputError, yaml};
use crate::numbers::{Severity, Span};
use crate::objectives::Objectives;
use crate::rules::BLIND;

#[derive(Serialize)]
struct Configuration {
    route: Route,
    inhibit_rules: Vec<Inhibition>,
}

#[derive(Serialize)]
struct Route {
    receiver: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group_by: Vec<&'static str>,
    group_wait: String,
    group_interval: String,
    repeat_interval: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
}

#[derive(Serialize)]
struct Inhibition {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
    equal: Vec<String>,
}

pub(super) fn output(objectives: &Objectives, receivers: &str) -> Result<Output, OutputError> {
    for severity in [Severity::Page, Severity::Ticket] {
        let name = receiver(severity);
        if !receivers.lines().any(|line| line.trim_start_matches(['-', ' ']) == format!("name: {name}")) {
            return Err(OutputError::NoReceiver(name));
        }
    }
    let configuration = Configuration {
        route: Route {
            group_by: vec!["service", "slo", "severity"],
            routes: vec![route(objectives, Severity::Page), route(objectives, Severity::Ticket)],
            // An alert without a severity is somebody's mistake, which may wait until the morning.
            matchers: Vec::new(),
            ..route(objectives, Severity::Ticket)
        },
        inhibit_rules: vec![blindness(), inhibition(objectives)],
    };
    Ok(Output {
        path: "observability/alertmanager/alertmanager.yml".to_owned(),
        content: format!("{}\n{}", yaml(objectives, &configuration)?, receivers),
    })
}

const fn receiver(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    }
}

/// A page goes out with the first alert of its group; tickets are collected.
fn route(objectives: &Objectives, severity: Severity) -> Route {
    let [wait, interval, repeat] = match severity {
        Severity::Page => [Span::from_secs(5), Span::minutes(5), Span::hours(4)],
        Severity::Ticket => [Span::minutes(5), Span::minutes(30), Span::days(3)],
    }
    .map(|span| objectives.compression.of(span).to_string());
    Route {
        receiver: receiver(severity).to_owned(),
        matchers: vec![format!("severity=\"{severity}\"")],
        group_by: Vec::new(),
        group_wait: wait,
        group_interval: interval,
        repeat_interval: repeat,
        routes: Vec::new(),
    }
}

/// While nothing is known, whatever else fires of the service does so because nothing is known. Alerts of others, such as
/// one that fires all the time so that its silence is heard, are not ours to hide.
fn blindness() -> Inhibition {
    Inhibition {
        source_matchers: vec![format!("alertname=\"{BLIND}\"")],
        target_matchers: vec![format!("alertname!=\"{BLIND}\"")],
        equal: vec!["service".to_owned()],
    }
}

/// Who was called needs no ticket about the same budget. Labels that both sides lack are equal, so both must have a
/// `slo`, or a page about anything would hide tickets about everything.
fn inhibition(objectives: &Objectives) -> Inhibition {
    let of = |severity: Severity| vec![format!("severity=\"{severity}\""), "slo!=\"\"".to_owned()];
    let apart: BTreeSet<&String> = objectives.slos.iter().flat_map(|slo| &slo.by).collect();
    Inhibition {
        source_matchers: of(Severity::Page),
        target_matchers: of(Severity::Ticket),
        equal: ["service", "slo"].into_iter().map(str::to_owned).chain(apart.into_iter().cloned()).collect(),
    }
}
