//! The part of Grafana's dashboard JSON that we write, as types. Owns its spelling; must never know a metric.
//!
//! Fields are written in this order, so that a change shows as a small difference. `xtask` reads each dashboard into
//! Grafana's own types (`grafana-foundation-sdk`), which refuses a field or a kind of panel that Grafana doesn't have.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Number, Value};

/// The schema of the version of Grafana that `grafana-foundation-sdk` of `tools/python` describes.
const SCHEMA_VERSION: u32 = 42;

/// A dashboard.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Says first that it is generated, and then what it answers.
    pub description: String,
    /// Never changes: links and bookmarks hold it.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// By which dashboards find each other.
    pub tags: Vec<String>,
    editable: bool,
    graph_tooltip: u8,
    refresh: &'static str,
    time: TimeRange,
    timezone: &'static str,
    schema_version: u32,
    /// Links at the top.
    pub links: Vec<Link>,
    /// Variables at the top.
    pub templating: Templating,
    /// The panels, rows among them, in reading order.
    pub panels: Vec<Panel>,
}

#[derive(Debug, Clone, Serialize)]
struct TimeRange {
    from: String,
    to: &'static str,
}

impl Dashboard {
    /// An empty one that shows the time from `from`, such as `now-1h`, until now.
    #[must_use]
    pub fn new(uid: &str, title: &str, description: String, from: &str) -> Self {
        Self {
            description,
            uid: uid.to_owned(),
            title: title.to_owned(),
            tags: vec![TAG.to_owned()],
            editable: false,
            // One cross-hair on all panels: what happened at the same time is seen at once.
            graph_tooltip: 1,
            refresh: "30s",
            time: TimeRange { from: from.to_owned(), to: "now" },
            timezone: "browser",
            schema_version: SCHEMA_VERSION,
            links: Vec::new(),
            templating: Templating { list: Vec::new() },
            panels: Vec::new(),
        }
    }
}

/// What all of our dashboards have.
pub const TAG: &str = "puntual";

/// A link.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    title: String,
    #[serde(rename = "type")]
    kind: &'static str,
    icon: &'static str,
    tooltip: String,
    url: String,
    tags: Vec<String>,
    as_dropdown: bool,
    target_blank: bool,
    include_vars: bool,
    keep_time: bool,
}

impl Link {
    /// To a page; `url` may name variables.
    #[must_use]
    pub fn to(title: &str, tooltip: &str, url: &str) -> Self {
        Self {
            title: title.to_owned(),
            kind: "link",
            icon: "external link",
            tooltip: tooltip.to_owned(),
            url: url.to_owned(),
            tags: Vec::new(),
            as_dropdown: false,
            target_blank: true,
            include_vars: false,
            keep_time: false,
        }
    }

    /// To the other dashboards, at the same time.
    #[must_use]
    pub fn to_the_others() -> Self {
        Self {
            kind: "dashboards",
            icon: "dashboard",
            tags: vec![TAG.to_owned()],
            target_blank: false,
            keep_time: true,
            ..Self::to("Dashboards", "The others, at the same time", "")
        }
    }
}

/// The variables.
#[derive(Debug, Clone, Serialize)]
pub struct Templating {
    /// In the order in which they stand at the top.
    pub list: Vec<Variable>,
}

/// A variable.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its name, without `$`.
    pub name: &'static str,
    label: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<Datasource>,
    query: String,
    current: Choice,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<u8>,
    multi: bool,
    include_all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_value: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct Choice {
    text: &'static str,
    value: &'static str,
}

impl Variable {
    /// Which Prometheus.
    #[must_use]
    pub fn datasource() -> Self {
        Self {
            kind: "datasource",
            name: "datasource",
            label: "Prometheus",
            description: "Where the metrics are",
            datasource: None,
            query: "prometheus".to_owned(),
            current: Choice { text: "Prometheus", value: "prometheus" },
            refresh: None,
            multi: false,
            include_all: false,
            all_value: None,
        }
    }

    /// The values that a label of some series has; all of them at first.
    #[must_use]
    pub fn label(name: &'static str, label: &'static str, description: &'static str, series: &str) -> Self {
        Self {
            kind: "query",
            name,
            label,
            description,
            datasource: Some(Datasource::PROMETHEUS),
            query: format!("label_values({series}, {name})"),
            current: Choice { text: "All", value: "$__all" },
            // When the time range changes: an instance of yesterday is offered where yesterday is shown.
            refresh: Some(2),
            multi: true,
            include_all: true,
            all_value: Some(".*"),
        }
    }

    /// Something that a person types.
    #[must_use]
    pub fn text(name: &'static str, label: &'static str, description: &'static str) -> Self {
        Self {
            kind: "textbox",
            current: Choice { text: "", value: "" },
            query: String::new(),
            name,
            label,
            description,
            ..Self::datasource()
        }
    }
}

/// Where a panel's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Datasource {
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'static str,
}

impl Datasource {
    /// The one that is chosen at the top.
    pub const PROMETHEUS: Self = Self { kind: "prometheus", uid: "$datasource" };
}

/// A panel, or the head of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// Unique within the dashboard.
    pub id: u32,
    /// The plugin that shows it.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// How to read it and what to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) datasource: Option<Datasource>,
    /// Where it stands.
    pub grid_pos: GridPos,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<PanelLink>,
    /// What it asks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) transformations: Vec<Transformation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field_config: Option<FieldConfig>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) options: Value,
    /// Only rows have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) collapsed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) panels: Option<[(); 0]>,
}

impl Panel {
    /// The unit of its values, as Grafana calls it; none where it shows no values.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.field_config.as_ref().map(|config| config.defaults.unit)
    }
}

/// The kinds of panels that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The head of a row.
    Row,
    /// Large numbers.
    Stat,
    /// Lines over time.
    Timeseries,
    /// Numbers as bars.
    BarGauge,
    /// Rows and columns.
    Table,
    /// Counts by bound over time.
    Heatmap,
    /// Words.
    Text,
}

/// A place on the grid of 24 columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct GridPos {
    /// Rows.
    pub h: u32,
    /// Columns.
    pub w: u32,
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
}

/// A link at the corner of a panel.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PanelLink {
    pub(super) title: String,
    pub(super) url: String,
    pub(super) target_blank: bool,
}

/// One expression of a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub(super) ref_id: String,
    pub(super) datasource: Datasource,
    /// PromQL, with Grafana's variables.
    pub expr: String,
    pub(super) legend_format: String,
    pub(super) instant: bool,
    pub(super) range: bool,
    pub(super) format: &'static str,
}

/// A step between the data and what is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Transformation {
    pub(super) id: &'static str,
    pub(super) options: Value,
}

/// How values are shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FieldConfig {
    pub(super) defaults: Defaults,
    pub(super) overrides: Vec<Override>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Defaults {
    pub(super) unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decimals: Option<u8>,
    pub(super) color: Color,
    pub(super) thresholds: Thresholds,
    pub(super) mappings: Vec<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) custom: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Color {
    pub(super) mode: &'static str,
}

/// Colours by value, the first from minus infinity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Thresholds {
    pub(super) mode: &'static str,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Step {
    pub(super) value: Option<Number>,
    pub(super) color: &'static str,
}

/// What is different for some of the values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Override {
    pub(super) matcher: Matcher,
    pub(super) properties: Vec<Property>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Matcher {
    pub(super) id: &'static str,
    pub(super) options: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Property {
    pub(super) id: &'static str,
    pub(super) value: Value,
}
