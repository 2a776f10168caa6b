//! The same rules as the Prometheus operator reads them from Kubernetes.

use serde::Serialize;

use super::{Output, OutputError, yaml};
use crate::objectives::Objectives;
use crate::rules::RuleFile;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrometheusRule<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: &'a RuleFile,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: String,
    labels: Labels<'a>,
}

#[derive(Serialize)]
struct Labels<'a> {
    #[serde(rename = "app.kubernetes.io/name")]
    name: &'a str,
    #[serde(rename = "app.kubernetes.io/component")]
    component: &'static str,
}

pub(super) fn output(objectives: &Objectives, rules: &RuleFile) -> Result<Output, OutputError> {
    let manifest = PrometheusRule {
        api_version: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: Metadata {
            name: format!("{}-objectives", objectives.service),
            labels: Labels { name: &objectives.service, component: "objectives" },
        },
        spec: rules,
    };
    Ok(Output {
        path: format!("observability/prometheus/operator/{}.yaml", objectives.service),
        content: yaml(objectives, &manifest)?,
    })
}
