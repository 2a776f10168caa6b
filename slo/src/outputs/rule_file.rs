//! The rules as Prometheus reads them: a file for each objective, so that a diff and a test are about one.

use super::{Output, OutputError, yaml};
use crate::objectives::Objectives;
use crate::rules::{self, RuleFile};

/// The folder of the rules.
pub const FOLDER: &str = "observability/prometheus/rules";

pub(super) fn outputs(objectives: &Objectives) -> Result<Vec<Output>, OutputError> {
    let mut outputs = Vec::new();
    for slo in &objectives.slos {
        outputs.push(file(objectives, &slo.id, RuleFile { groups: rules::groups_of(objectives, slo)? })?);
    }
    outputs.push(file(
        objectives,
        "presence",
        RuleFile { groups: vec![rules::presence_group(objectives)?] },
    )?);
    Ok(outputs)
}

fn file(objectives: &Objectives, name: &str, rules: RuleFile) -> Result<Output, OutputError> {
    Ok(Output { path: format!("{FOLDER}/{name}.yaml"), content: yaml(objectives, &rules)? })
}
