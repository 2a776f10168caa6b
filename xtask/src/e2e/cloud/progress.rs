//! What an apply or a destroy says while it runs, read from its events in JSON.
//!
//! Must never guess: what is not an event of these kinds is left out.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// An apply that tells its progress.
pub(super) const APPLY: &str = "apply -json -auto-approve";

/// A destroy that tells its progress.
pub(super) const DESTROY: &str = "destroy -json -auto-approve";

/// One line of what they tell.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    hook: Option<Hook>,
    changes: Option<Changes>,
    diagnostic: Option<Diagnostic>,
}

#[derive(Debug, Deserialize)]
struct Diagnostic {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    resource: Resource,
    #[serde(default)]
    action: String,
}

#[derive(Debug, Deserialize)]
struct Resource {
    addr: String,
    resource_type: String,
}

/// What an apply changed, as it says at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Changes {
    pub(super) add: usize,
    pub(super) change: usize,
    pub(super) remove: usize,
}

/// How far a run is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// How many resources were made, by type.
    made: BTreeMap<String, usize>,
    /// Type of what is being made, by address.
    in_flight: BTreeMap<String, String>,
    changes: Option<Changes>,
    errors: Vec<String>,
}

impl Progress {
    /// Takes note of a line.
    pub(super) fn note(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Event>(line) else { return };
        if event.kind == "change_summary" {
            // The plan says what it will change, the end of an apply what it did.
            self.changes = event.changes;
        }
        self.errors.extend(event.diagnostic.filter(|of| of.severity == "error").map(|error| {
            let Diagnostic { summary, detail, address, .. } = error;
            format!("{}: {summary}: {detail}", address.as_deref().unwrap_or("terraform"))
        }));
        let Some(Hook { resource: Resource { addr, resource_type }, action }) = event.hook else { return };
        match event.kind.as_str() {
            "apply_start" if action == "create" => {
                self.in_flight.insert(addr, resource_type);
            }
            "apply_complete" if action == "create" => {
                self.in_flight.remove(&addr);
                *self.made.entry(resource_type).or_default() += 1;
            }
            "apply_errored" => {
                self.in_flight.remove(&addr);
            }
            _ => {}
        }
    }

    /// Whether something is being made, and nothing but resources of this type.
    pub(super) fn makes_only(&self, resource_type: &str) -> bool {
        !self.in_flight.is_empty() && self.in_flight.values().all(|own| own == resource_type)
    }

    /// How many resources were made.
    pub(super) fn made(&self) -> usize {
        self.made.values().sum()
    }

    /// What it said went wrong, each with the address of its resource.
    pub(super) fn errors(&self) -> &[String] {
        &self.errors
    }

    /// How many resources of this type were made.
    pub(super) fn made_of(&self, resource_type: &str) -> usize {
        self.made.get(resource_type).copied().unwrap_or_default()
    }
}

/// What a run that ended well has changed.
pub(super) fn changes(told: &str) -> anyhow::Result<Changes> {
    let mut progress = Progress::default();
    told.lines().for_each(|line| progress.note(line));
    let changes = progress.changes.context("terraform does not say what it changed")?;
    ensure!(changes != Changes { add: 0, change: 0, remove: 0 }, "terraform changed nothing");
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, action: &str, resource_type: &str) -> String {
        let resource = format!(r#"{{"addr":"{resource_type}.this","resource_type":"{resource_type}"}}"#);
        format!(r#"{{"type":"{kind}","hook":{{"action":"{action}","resource":{resource}}}}}"#)
    }

    #[test]
    fn only_what_is_made_is_counted() {
        let mut progress = Progress::default();
        progress.note("not an event");
        for (kind, action) in [
            ("apply_start", "create"),
            ("apply_errored", "create"),
            ("apply_complete", "delete"),
            ("apply_complete", "create"),
        ] {
            progress.note(&event(kind, action, "aws_vpc"));
        }
        assert_eq!((progress.made(), progress.made_of("aws_vpc"), progress.made_of("aws_subnet")), (1, 1, 0));
    }

    #[test]
    fn what_is_being_made_is_known_until_it_is_made_or_fails() {
        let mut progress = Progress::default();
        assert!(!progress.makes_only("aws_lb"), "nothing is being made");
        progress.note(&event("apply_start", "read", "aws_vpc"));
        progress.note(&event("apply_start", "create", "aws_lb"));
        assert!(progress.makes_only("aws_lb"), "a look at something makes nothing");
        progress.note(&event("apply_start", "create", "aws_subnet"));
        progress.note(&event("apply_start", "create", "aws_eip"));
        assert!(!progress.makes_only("aws_lb"));
        progress.note(&event("apply_complete", "create", "aws_subnet"));
        progress.note(&event("apply_errored", "create", "aws_eip"));
        assert!(progress.makes_only("aws_lb"));
    }

    #[test]
    fn what_went_wrong_is_told_with_its_resource_and_warnings_are_not() {
        let mut progress = Progress::default();
        for severity in ["warning", "error"] {
            progress.note(&format!(
                r#"{{"type":"diagnostic","diagnostic":{{"severity":"{severity}","summary":"creating VPC",
                    "detail":"reset by peer","address":"aws_vpc.this"}}}}"#
            ));
        }
        progress.note(r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no state"}}"#);
        assert_eq!(progress.errors(), ["aws_vpc.this: creating VPC: reset by peer", "terraform: no state: "]);
    }

    #[test]
    fn the_last_summary_counts_and_one_of_nothing_is_an_error() {
        let summary = |add: usize| {
            format!(r#"{{"type":"change_summary","changes":{{"add":{add},"change":0,"remove":0}}}}"#)
        };
        let told = [summary(9), summary(7)].join("\n");
        assert_eq!(changes(&told).unwrap(), Changes { add: 7, change: 0, remove: 0 });
        assert!(changes(&summary(0)).is_err());
        assert!(changes("").is_err());
    }
}
