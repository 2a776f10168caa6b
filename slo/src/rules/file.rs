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
    /// Fires while it yields something.
    Alert {
        /// Its name.
        alert: String,
        /// What has to hold.
        #[serde(serialize_with = "text")]
        expr: Query,
        /// How long it has to hold.
        #[serde(rename = "for")]
        hold: String,
        /// Labels that are added.
        labels: BTreeMap<String, String>,
        /// What the person reads.
        annotations: BTreeMap<String, String>,
    },
}

impl Rule {
    /// What it evaluates.
    #[must_use]
    pub const fn query(&self) -> &Query {
        match self {
            Self::Record { expr, .. } | Self::Alert { expr, .. } => expr,
        }
    }

    /// The recorded series or the alert.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Record { record: name, .. } | Self::Alert { alert: name, .. } => name,
        }
    }
}

fn text<S: serde::Serializer>(query: &Query, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(query.as_str())
}
