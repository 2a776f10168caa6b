//! What an apply or a destroy says while it runs, read from its events in JSON.
//!
//! Must never guess: what is not an event of these kinds is left out.

use std::collections::BTreeSet;

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
    /// Address and type of what is being made.
    in_flight: BTreeSet<(String, String)>,
    made: usize,
    changes: Option<Changes>,
}

impl Progress {
    /// Takes note of a line.
    pub(super) fn note(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Event>(line) else { return };
        if event.kind == "change_summary" {
            // The plan says what it will change, the end of an apply what it did.
            self.changes = event.changes;
        }
        let Some(Hook { resource, action }) = event.hook else { return };
        let resource = (resource.addr, resource.resource_type);
        match event.kind.as_str() {
            "apply_start" if action == "create" => {
                self.in_flight.insert(resource);
            }
            "apply_complete" | "apply_errored" => {
                let known = self.in_flight.remove(&resource);
                self.made += usize::from(known && event.kind == "apply_complete");
            }
            _ => {}
        }
    }

    /// How many resources were made.
    pub(super) const fn made(&self) -> usize {
        self.made
    }

    /// Whether something of this type is being made now.
    pub(super) fn is_making(&self, resource_type: &str) -> bool {
        self.in_flight.iter().any(|(_, own)| own == resource_type)
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

    fn event(kind: &str, action: &str) -> String {
        format!(
            r#"{{"type":"{kind}","hook":{{"action":"{action}",
                "resource":{{"addr":"aws_vpc.this","resource_type":"aws_vpc"}}}}}}"#
        )
    }

    #[test]
    fn what_is_being_made_is_known_until_it_is_made() {
        let mut progress = Progress::default();
        progress.note("not an event");
        progress.note(&event("apply_start", "read"));
        assert!(!progress.is_making("aws_vpc"), "a look at something makes nothing");

        progress.note(&event("apply_start", "create"));
        assert!(progress.is_making("aws_vpc") && !progress.is_making("aws_subnet"));
        assert_eq!(progress.made(), 0);

        progress.note(&event("apply_complete", "create"));
        assert!(!progress.is_making("aws_vpc"));
        assert_eq!(progress.made(), 1);
    }

    #[test]
    fn what_fails_is_not_made() {
        let mut progress = Progress::default();
        progress.note(&event("apply_start", "create"));
        progress.note(&event("apply_errored", "create"));
        assert!(!progress.is_making("aws_vpc"));
        assert_eq!(progress.made(), 0);
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
