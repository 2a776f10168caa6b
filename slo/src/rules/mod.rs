//! From objectives to Prometheus rules. Owns the names of recorded series and alerts, their labels and expressions.
//!
//! Pure. Must never know how an indicator counts: it sees the pair (bad, total) only.

mod burn;
mod file;
mod presence;
mod record;

use crate::objectives::{Objectives, Slo};
use crate::query::QueryError;

pub use self::file::{Alert, Group, NO_HOLD, Rule, RuleFile};
pub use self::presence::{BLIND, IMPOSSIBLE, RESTARTS, RESTARTS_WITHIN};

/// All rules of a service.
///
/// # Errors
///
/// When an expression doesn't parse, which the definitions' checks exclude.
pub fn rules(objectives: &Objectives) -> Result<RuleFile, QueryError> {
    let mut groups = Vec::new();
    for slo in &objectives.slos {
        groups.extend(groups_of(objectives, slo)?);
    }
    groups.push(presence_group(objectives)?);
    Ok(RuleFile { groups })
}

/// The rules of one objective, which need nobody else's: in one group, so that each reads what the one before recorded.
///
/// # Errors
///
/// When an expression doesn't parse.
pub fn groups_of(objectives: &Objectives, slo: &Slo) -> Result<Vec<Group>, QueryError> {
    let context = Context { objectives, slo };
    let mut rules = context.samples()?;
    rules.extend(context.windows()?);
    rules.extend(context.constants()?);
    rules.extend(context.burn_alerts()?);
    let every = |span| Some(objectives.compression.of(span).to_string());
    Ok(vec![
        Group {
            name: format!("{}-{}", objectives.service, slo.id),
            interval: every(objectives.prometheus.evaluation_interval),
            rules,
        },
        Group {
            name: format!("{}-{}-period", objectives.service, slo.id),
            interval: every(record::PERIOD_INTERVAL),
            rules: context.period()?,
        },
    ])
}

/// The alerts that need no objective.
///
/// # Errors
///
/// When an expression doesn't parse.
pub fn presence_group(objectives: &Objectives) -> Result<Group, QueryError> {
    presence::group(objectives)
}

/// One objective among those of its service.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    objectives: &'a Objectives,
    slo: &'a Slo,
}

impl Context<'_> {
    /// A recorded series of this objective.
    fn recorded(self, name: &str) -> String {
        format!("{name}{}", self.slo.labels(&self.objectives.service))
    }
}
