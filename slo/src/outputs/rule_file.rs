//! The rules as Prometheus reads them from a file.

use super::{Output, OutputError, yaml};
use crate::objectives::Objectives;
use crate::rules;

pub(super) fn output(objectives: &Objectives) -> Result<Output, OutputError> {
    Ok(Output {
        path: format!("observability/prometheus/rules/{}.yaml", objectives.service),
        content: yaml(objectives, &rules::rules(objectives)?)?,
    })
}
