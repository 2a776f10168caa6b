//! The changes that no test can notice, each with its reason. Owns `slo/survivors.yaml`.

use serde::Deserialize;

use super::Mutant;

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Survivors(Vec<Reason>);

/// Why a change goes unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// What the name of the rule file contains; nothing for all of them.
    #[serde(default)]
    pub file: String,
    /// What the name of the changed rule contains.
    pub rule: String,
    /// What the change contains.
    pub change: String,
    /// Why nothing can notice it.
    pub because: String,
}

/// Why the list can't be read.
#[derive(Debug, thiserror::Error)]
#[error("slo/survivors.yaml: {0}")]
pub struct SurvivorsError(String);

impl Survivors {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// When it isn't a list of reasons.
    pub fn read(text: &str) -> Result<Self, SurvivorsError> {
        let value = crate::document::plain(text).map_err(SurvivorsError)?;
        serde_json::from_value(value).map(Self).map_err(|error| SurvivorsError(error.to_string()))
    }

    /// The reason of a mutant, if there is one.
    #[must_use]
    pub fn reason(&self, mutant: &Mutant) -> Option<&Reason> {
        self.0.iter().find(|reason| reason.explains(mutant))
    }

    /// Reasons that explain none of those that survived: what was true once.
    #[must_use]
    pub fn idle<'list>(&'list self, survived: &[&Mutant]) -> Vec<&'list Reason> {
        let idle = |reason: &&Reason| !survived.iter().any(|mutant| reason.explains(mutant));
        self.0.iter().filter(idle).collect()
    }
}

impl Reason {
    fn explains(&self, mutant: &Mutant) -> bool {
        let Self { file, rule, change, .. } = self;
        mutant.subject.contains(file) && mutant.rule.contains(rule) && mutant.change.contains(change)
    }
}
