//! The tests of the rules as promtool reads them.

use super::{Output, OutputError, yaml};
use crate::objectives::{Compression, Objectives};
use crate::{rule_tests, rules};

/// The folder of the tests.
pub const FOLDER: &str = "observability/prometheus/tests";

/// None for compressed time: promtool makes its own.
pub(super) fn outputs(objectives: &Objectives) -> Result<Vec<Output>, OutputError> {
    if objectives.compression != Compression::NONE {
        return Ok(Vec::new());
    }
    let mut named = Vec::new();
    for slo in &objectives.slos {
        named.extend(rule_tests::of_objective(objectives, slo)?);
    }
    named.push(rule_tests::of_presence(objectives, &rules::presence_group(objectives)?));
    let output = |named: &rule_tests::Named| {
        Ok(Output { path: format!("{FOLDER}/{}.yaml", named.name), content: yaml(objectives, &named.file)? })
    };
    named.iter().map(output).collect()
}
