//! A Prometheus rule file as Prometheus reads it. Owns the shape, must never know what a rule is for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::query::Query;

/// A rule file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleFile {
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Unique within the file.
    pub name: String,
    /// How often, where it isn't the server's own interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// In the order of evaluation.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Rule {
    /// Records a series.
    Record {
        /// Its name.
        record: String,
        /// What is recorded.
        #[serde(serialize_with = "text")]
        expr: Query,
        /// Labels that are added.
        labels: BTreeMap<String, String>,
    },
    /// Calls somebody.
    Alert(Alert),
}

/// An alert fires as soon as it yields something.
pub const NO_HOLD: &str = "0s";

/// A rule that fires while it yields something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Its name, which other alerts may share.
    pub alert: String,
    /// What has to hold.
    #[serde(serialize_with = "text")]
    pub expr: Query,
    /// How long it has to hold.
    #[serde(rename = "for")]
    pub hold: String,
    /// Labels that are added.
    pub labels: BTreeMap<String, String>,
    /// What the person reads.
    pub annotations: BTreeMap<String, String>,
}

impl RuleFile {
    /// Every rule, in the order of evaluation.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }

    /// The alerts by name: there is one for each pair of windows.
    #[must_use]
    pub fn alerts(&self) -> BTreeMap<&str, Vec<&Alert>> {
        let mut alerts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for rule in self.rules() {
            if let Rule::Alert(alert) = rule {
                alerts.entry(alert.alert.as_str()).or_default().push(alert);
            }
        }
        alerts
    }
}

impl Rule {
    /// What it evaluates.
    #[must_use]
    pub const fn query(&self) -> &Query {
        match self {
            Self::Record { expr, .. } | Self::Alert(Alert { expr, .. }) => expr,
        }
    }

    /// The recorded series or the alert.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Record { record: name, .. } | Self::Alert(Alert { alert: name, .. }) => name,
        }
    }
}

fn text<S: serde::Serializer>(query: &Query, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(query.as_str())
}
