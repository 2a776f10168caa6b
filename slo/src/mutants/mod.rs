//! Rules with one thing changed, and whether some generated test notices. What no test notices, nobody guards.
//!
//! Owns what is changed (`change`), how it is tried in the real promtool (`trial`) and which survivors have a reason
//! (`survivors`). Must never judge a rule itself.

mod change;
mod survivors;
mod trial;

use std::num::NonZeroUsize;

use crate::numbers::{Span, Tier};
use crate::objectives::{Objectives, Slo};
use crate::query::QueryError;
use crate::rule_tests;
use crate::rules::{self, Alert, Rule, RuleFile};

pub use self::survivors::{Reason, Survivors, SurvivorsError};
pub use self::trial::{Fate, Trial, TrialError};

/// A rule file with one change.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The file's name without its ending: the objective's id, or `presence`.
    pub subject: String,
    /// The rule that is changed: what it records, or the alert and its long window.
    pub rule: String,
    /// What is changed, such as `> becomes <`.
    pub change: String,
    /// The rule with the change.
    changed: Rule,
    /// Where it stands: its group, and its place there.
    place: (usize, usize),
    /// What to try first: a test file of the subject, and the names of tests in it.
    pub likely: Vec<Attempt>,
}

/// A test file, and which of its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Without its ending, such as `api-latency/page-1h`.
    pub file: String,
    /// What the tests' names have to contain; empty for all of them.
    pub tests: &'static str,
}

/// One rule file, its tests, and everything that can be changed about it.
#[derive(Debug)]
pub struct Subject {
    /// Its rules, unchanged.
    rules: RuleFile,
    /// Its tests.
    pub tests: Vec<rule_tests::Named>,
    /// Its mutants.
    pub mutants: Vec<Mutant>,
}

/// In the name of the test that computes when an alert fires and clears.
const AT_ITS_TIME: &str = "just before its time";

/// Every subject of a service.
///
/// # Errors
///
/// When an expression doesn't parse, which the definitions' checks exclude.
pub fn subjects(objectives: &Objectives) -> Result<Vec<Subject>, QueryError> {
    let mut subjects = Vec::new();
    for slo in &objectives.slos {
        let tests = rule_tests::of_objective(objectives, slo)?;
        let rules = RuleFile { groups: rules::groups_of(objectives, slo)? };
        let mutants = mutants(&slo.id, &rules, |rule| likely(slo, rule));
        subjects.push(Subject { rules, tests, mutants });
    }
    let group = rules::presence_group(objectives)?;
    let tests = vec![rule_tests::of_presence(objectives, &group)];
    let rules = RuleFile { groups: vec![group] };
    let mutants =
        mutants("presence", &rules, |_rule| vec![Attempt { file: "presence".to_owned(), tests: "" }]);
    subjects.push(Subject { rules, tests, mutants });
    Ok(subjects)
}

impl Subject {
    /// Keeps every `one_in`th of its mutants, beginning with the first; the same ones each time.
    pub fn sample(&mut self, one_in: NonZeroUsize) {
        self.mutants = self.mutants.drain(..).step_by(one_in.get()).collect();
    }

    /// The rules with one change.
    fn with(&self, mutant: &Mutant) -> RuleFile {
        let mut file = self.rules.clone();
        let (group, at) = mutant.place;
        if let Some(rule) = file.groups.get_mut(group).and_then(|group| group.rules.get_mut(at)) {
            rule.clone_from(&mutant.changed);
        }
        file
    }
}

fn mutants(subject: &str, rules: &RuleFile, likely: impl Fn(&Rule) -> Vec<Attempt>) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (in_group, group) in rules.groups.iter().enumerate() {
        for (at, rule) in group.rules.iter().enumerate() {
            for change::Changed { what, rule: changed } in change::all(rule) {
                mutants.push(Mutant {
                    subject: subject.to_owned(),
                    rule: title(rule),
                    change: what,
                    changed,
                    place: (in_group, at),
                    likely: likely(rule),
                });
            }
        }
    }
    mutants
}

/// What is recorded, or the alert and its long window.
fn title(rule: &Rule) -> String {
    match rule {
        Rule::Alert(Alert { alert, labels, .. }) => match labels.get("long") {
            Some(long) => format!("{alert} over {long}"),
            None => alert.clone(),
        },
        Rule::Record { record, .. } => record.clone(),
    }
}

/// The tests that look at a rule from nearest. All others follow where these notice nothing.
fn likely(slo: &Slo, rule: &Rule) -> Vec<Attempt> {
    let file = |name: String, tests| Attempt { file: format!("{}/{name}", slo.id), tests };
    let of_tier = |tier: &Tier, tests| file(format!("{}-{}", tier.severity, tier.long), tests);
    match rule {
        Rule::Record { record, .. } => {
            let reads = |tier: &&Tier| [tier.long, tier.short].iter().any(|window| is_over(record, *window));
            let tiers = slo.tiers.iter().filter(reads).map(|tier| of_tier(tier, AT_ITS_TIME));
            [file("recorded".to_owned(), "")].into_iter().chain(tiers).collect()
        }
        Rule::Alert(Alert { labels, .. }) => {
            let own = |tier: &&Tier| labels.get("long") == Some(&tier.long.to_string());
            let Some(tier) = slo.tiers.iter().find(own) else { return Vec::new() };
            vec![of_tier(tier, AT_ITS_TIME), file(format!("hold-{}", tier.hold), ""), of_tier(tier, "")]
        }
    }
}

/// Whether a series is recorded over a window: `…increase5m` is over `5m`, not over `m`.
fn is_over(record: &str, window: Span) -> bool {
    record.strip_suffix(&window.to_string()).is_some_and(|stem| stem.ends_with(char::is_alphabetic))
}
