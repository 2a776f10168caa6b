//! The objectives in OpenSLO v1, for tools that read that.
//!
//! It carries no alerts: an OpenSLO alert policy has exactly one condition, and ours need two windows (OpenSLO #218).

use serde::Serialize;

use super::{Output, OutputError, header};
use crate::objectives::{Objectives, SLICE, Slo};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    display_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    description: String,
    service: String,
    indicator: Indicator,
    time_window: Vec<TimeWindow>,
    budgeting_method: &'static str,
    objectives: Vec<Target>,
}

#[derive(Serialize)]
struct Indicator {
    metadata: Metadata,
    spec: IndicatorSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IndicatorSpec {
    ratio_metric: RatioMetric,
}

#[derive(Serialize)]
struct RatioMetric {
    counter: bool,
    bad: Metric,
    total: Metric,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    metric_source: MetricSource,
}

#[derive(Serialize)]
struct MetricSource {
    #[serde(rename = "type")]
    kind: &'static str,
    spec: Query,
}

#[derive(Serialize)]
struct Query {
    query: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TimeWindow {
    duration: String,
    is_rolling: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    display_name: String,
    target: f64,
}

pub(super) fn output(objectives: &Objectives) -> Result<Output, OutputError> {
    let mut content = header(objectives, "#");
    for slo in &objectives.slos {
        content += "---\n";
        content += &serde_saphyr::to_string(&document(objectives, slo)?)?;
    }
    Ok(Output { path: format!("slo/openslo/{}.yaml", objectives.service), content })
}

fn document(objectives: &Objectives, slo: &Slo) -> Result<Document, OutputError> {
    let pair = slo.pair(&objectives.service, SLICE)?;
    let metric = |query: &crate::query::Query| Metric {
        metric_source: MetricSource { kind: "Prometheus", spec: Query { query: query.to_string() } },
    };
    let metadata = |name: String| Metadata { name, display_name: slo.title.clone() };
    Ok(Document {
        api_version: "openslo/v1",
        kind: "SLO",
        metadata: metadata(slo.id.clone()),
        spec: Spec {
            description: slo.notices.clone(),
            service: objectives.service.clone(),
            indicator: Indicator {
                metadata: metadata(format!("{}-indicator", slo.id)),
                spec: IndicatorSpec {
                    ratio_metric: RatioMetric {
                        counter: false,
                        bad: metric(&pair.bad),
                        total: metric(&pair.total),
                    },
                },
            },
            time_window: vec![TimeWindow { duration: slo.period.span().to_string(), is_rolling: true }],
            budgeting_method: "Occurrences",
            objectives: vec![Target { display_name: slo.title.clone(), target: target(slo) }],
        },
    })
}

/// The specification wants a number where we have exact decimals; six of them survive a double.
fn target(slo: &Slo) -> f64 {
    rust_decimal::prelude::ToPrimitive::to_f64(&slo.objective.ratio()).unwrap_or_default()
}
