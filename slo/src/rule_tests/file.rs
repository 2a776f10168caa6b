//! A test file as `promtool test rules` reads it. Owns the shape, must never know what is tested.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::numbers::Span;

/// A file of tests; all of them are evaluated at the same interval.
#[derive(Debug, Clone, Serialize)]
pub struct TestFile {
    /// Relative to the file.
    pub rule_files: Vec<String>,
    /// How often the rules are evaluated.
    #[serde(serialize_with = "span")]
    pub evaluation_interval: Span,
    /// Whether numbers may differ in their last digits.
    pub fuzzy_compare: bool,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// One test.
#[derive(Debug, Clone, Serialize)]
pub struct Test {
    /// A sentence about the rules.
    pub name: String,
    /// The time between two samples.
    #[serde(serialize_with = "span")]
    pub interval: Span,
    /// What is scraped.
    pub input_series: Vec<InputSeries>,
    /// Alerts that are expected, with all that they say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alert_rule_test: Vec<AlertTest>,
    /// Expressions and what they have to yield.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub promql_expr_test: Vec<ExprTest>,
}

/// One series that is scraped.
#[derive(Debug, Clone, Serialize)]
pub struct InputSeries {
    /// Its name and labels.
    pub series: String,
    /// Its samples in promtool's notation: `0+10x5` is 0, 10, … 50.
    pub values: String,
}

/// The alerts of one name at one time.
#[derive(Debug, Clone, Serialize)]
pub struct AlertTest {
    /// When.
    #[serde(serialize_with = "span")]
    pub eval_time: Span,
    /// Of which alert.
    pub alertname: String,
    /// All that fire then.
    pub exp_alerts: Vec<ExpectedAlert>,
}

/// An alert that fires.
#[derive(Debug, Clone, Serialize)]
pub struct ExpectedAlert {
    /// Its labels.
    pub exp_labels: BTreeMap<String, String>,
    /// What it says.
    pub exp_annotations: BTreeMap<String, String>,
}

/// An expression at one time.
#[derive(Debug, Clone, Serialize)]
pub struct ExprTest {
    /// What is asked.
    pub expr: String,
    /// When.
    #[serde(serialize_with = "span")]
    pub eval_time: Span,
    /// What has to come back; nothing where nothing may.
    pub exp_samples: Vec<Sample>,
}

/// One series that comes back.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Its name and labels.
    pub labels: String,
    /// Its value.
    pub value: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn span<S: serde::Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(span)
}
