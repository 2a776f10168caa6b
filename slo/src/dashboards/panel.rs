//! The kinds of panels that we use, each with the options that make it read well. Owns how things look.
//!
//! Must never hold a threshold: those come from the objectives.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

use super::grafana::{
    Color, Datasource, Defaults, FieldConfig, GridPos, Kind, Matcher, Override, Panel, PanelLink, Property,
    Step, Target, Thresholds, Transformation,
};

pub(super) const GREEN: &str = "green";
pub(super) const YELLOW: &str = "yellow";
pub(super) const ORANGE: &str = "orange";
pub(super) const RED: &str = "red";
/// Where nothing is known.
pub(super) const GREY: &str = "text";

/// Of what a value is a number, as Grafana calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A count of things.
    Count,
    /// A multiple, such as a burn rate.
    Times,
    /// A share; 1 is all.
    Share,
    Seconds,
    Bytes,
    RequestsPerSecond,
    PerSecond,
    /// Words that stand for numbers.
    State,
}

impl Unit {
    const fn id(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::Times => "suffix:×",
            Self::Share => "percentunit",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::RequestsPerSecond => "reqps",
            Self::PerSecond => "ops",
            Self::State => "none",
        }
    }
}

/// Colours from values that an objective gives: `below` and then the colour from each value on, ascending.
pub(super) fn thresholds(below: &'static str, from: &[(Decimal, &'static str)]) -> Thresholds {
    let step = |(value, color): &(Decimal, &'static str)| Step { value: number(*value), color };
    let steps = [Step { value: None, color: below }].into_iter().chain(from.iter().map(step));
    Thresholds { mode: "absolute", steps: steps.collect() }
}

/// Exact as far as JSON's readers are; none for what no JSON number is, which no decimal is.
fn number(value: Decimal) -> Option<Number> {
    serde_json::from_str(&value.normalize().to_string()).ok()
}

/// A panel that is being put together. It has no place yet: the layout gives it one.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    panel: Panel,
    defaults: Defaults,
    overrides: Vec<Override>,
}

impl Draft {
    fn new(kind: Kind, title: &str, description: &str, unit: Unit) -> Self {
        Self {
            panel: Panel {
                id: 0,
                kind,
                title: title.to_owned(),
                description: description.to_owned(),
                datasource: Some(Datasource::PROMETHEUS),
                grid_pos: GridPos::default(),
                links: Vec::new(),
                targets: Vec::new(),
                transformations: Vec::new(),
                field_config: None,
                options: Value::Null,
                collapsed: None,
                panels: None,
            },
            defaults: Defaults {
                unit: unit.id(),
                min: None,
                max: None,
                decimals: None,
                color: Color { mode: "thresholds" },
                thresholds: thresholds(GREEN, &[]),
                mappings: Vec::new(),
                custom: BTreeMap::new(),
            },
            overrides: Vec::new(),
        }
    }

    /// Large numbers on their colour, one for each series: what somebody reads who was just woken.
    pub(super) fn stat(title: &str, description: &str, unit: Unit) -> Self {
        let mut draft = Self::new(Kind::Stat, title, description, unit);
        draft.panel.options = json!({
            "reduceOptions": last(),
            "orientation": "auto",
            "textMode": "auto",
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "center",
            "wideLayout": true,
            "showPercentChange": false,
        });
        draft
    }

    /// Lines over time with a table of their last values below.
    pub(super) fn lines(title: &str, description: &str, unit: Unit) -> Self {
        let mut draft = Self::new(Kind::Timeseries, title, description, unit);
        draft.defaults.color = Color { mode: "palette-classic" };
        draft.defaults.min = number(Decimal::ZERO);
        draft
            .custom("drawStyle", "line")
            .custom("lineWidth", 2)
            .custom("fillOpacity", 5)
            .custom("showPoints", "never");
        draft.panel.options = json!({
            "legend": {
                "displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": ["lastNotNull", "max"],
            },
            "tooltip": { "mode": "multi", "sort": "desc" },
        });
        draft
    }

    /// A bar for each series.
    pub(super) fn bars(title: &str, description: &str, unit: Unit) -> Self {
        let mut draft = Self::new(Kind::BarGauge, title, description, unit);
        draft.defaults.min = number(Decimal::ZERO);
        draft.panel.options = json!({
            "reduceOptions": last(),
            "orientation": "horizontal",
            "displayMode": "lcd",
            "valueMode": "color",
            "namePlacement": "left",
            "showUnfilled": true,
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 40,
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
        });
        draft
    }

    /// Counts by upper bound over time.
    pub(super) fn heatmap(title: &str, description: &str, unit: Unit) -> Self {
        let mut draft = Self::new(Kind::Heatmap, title, description, unit);
        draft.panel.options = json!({
            "calculate": false,
            "color": {
                "mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "exponent": 0.5, "steps": 64,
                "reverse": false,
            },
            "cellGap": 1,
            "yAxis": { "unit": unit.id() },
            "rowsFrame": { "layout": "auto" },
            "showValue": "never",
            "tooltip": { "mode": "single", "yHistogram": true },
            "legend": { "show": true },
            "exemplars": { "color": "rgba(255,0,255,0.7)" },
        });
        draft
    }

    /// A row for each value of the label `by`, a column for each expression: `columns` are their names.
    pub(super) fn table(
        title: &str,
        description: &str,
        unit: Unit,
        by: &str,
        columns: &[(String, String)],
    ) -> Self {
        let mut draft = Self::new(Kind::Table, title, description, unit);
        draft.panel.options = json!({ "showHeader": true, "cellHeight": "md", "frameIndex": 0 });
        draft.custom("align", "auto").custom("inspect", false);
        let mut names = Map::from_iter([(by.to_owned(), title_case(by).into())]);
        let mut order = Map::from_iter([(by.to_owned(), 0.into())]);
        for (place, (name, expr)) in (1..).zip(columns) {
            let target = draft.target(expr.clone(), String::new());
            let column = format!("Value #{}", target.ref_id);
            names.insert(column.clone(), name.clone().into());
            order.insert(column, place.into());
            draft.panel.targets.push(Target { instant: true, range: false, format: "table", ..target });
        }
        draft.panel.transformations = vec![
            Transformation { id: "merge", options: json!({}) },
            Transformation {
                id: "organize",
                options: json!({
                    "excludeByName": { "Time": true, "service": true },
                    "indexByName": order,
                    "renameByName": names,
                }),
            },
        ];
        draft
    }

    /// Words, in Markdown.
    pub(super) fn words(title: &str, description: &str, markdown: &str) -> Panel {
        let mut panel = Self::new(Kind::Text, title, description, Unit::State).panel;
        panel.datasource = None;
        panel.options = json!({ "mode": "markdown", "content": markdown });
        panel
    }

    /// One more expression. `legend` names its series, with labels as `{{label}}`.
    pub(super) fn asks(mut self, expr: impl Into<String>, legend: &str) -> Self {
        let target = self.target(expr.into(), legend.to_owned());
        let format = if self.panel.kind == Kind::Heatmap { "heatmap" } else { "time_series" };
        let over_time = matches!(self.panel.kind, Kind::Timeseries | Kind::Heatmap);
        self.panel.targets.push(Target { instant: !over_time, range: over_time, format, ..target });
        self
    }

    fn target(&self, expr: String, legend_format: String) -> Target {
        // A dashboard with more than 26 expressions in one panel would be unreadable long before.
        let letter = (b'A'..=b'Z').nth(self.panel.targets.len()).map_or('?', char::from);
        let ref_id = letter.to_string();
        Target {
            ref_id,
            datasource: Datasource::PROMETHEUS,
            expr,
            legend_format,
            instant: false,
            range: true,
            format: "time_series",
        }
    }

    /// Colours by value. Lines show them as dashes.
    pub(super) fn coloured(mut self, thresholds: Thresholds) -> Self {
        if self.panel.kind == Kind::Timeseries {
            self.custom("thresholdsStyle", json!({ "mode": "dashed" }));
        }
        self.defaults.thresholds = thresholds;
        self
    }

    /// Colours of one series or column alone.
    pub(super) fn coloured_where(mut self, name: &str, thresholds: &Thresholds) -> Self {
        self.overrides.push(Override {
            matcher: Matcher { id: "byName", options: name.to_owned() },
            properties: vec![Property { id: "thresholds", value: json!(thresholds) }],
        });
        self
    }

    /// Cells on their colour.
    pub(super) fn on_colour(mut self) -> Self {
        self.custom("cellOptions", json!({ "type": "color-background", "mode": "basic" }));
        self
    }

    /// What a number is called, and its colour.
    pub(super) fn called(mut self, value: u8, text: &str, color: &str) -> Self {
        let options = json!({ value.to_string(): { "text": text, "color": color, "index": self.defaults.mappings.len() } });
        self.defaults.mappings.push(json!({ "type": "value", "options": options }));
        self
    }

    /// What stands where there is no number.
    pub(super) fn unknown(mut self, text: &str) -> Self {
        let result = json!({ "text": text, "color": GREY, "index": self.defaults.mappings.len() });
        self.defaults
            .mappings
            .push(json!({ "type": "special", "options": { "match": "nan", "result": result } }));
        self
    }

    /// Names and values side by side, for series that are told apart by their names only.
    pub(super) fn named(self) -> Self {
        self.option("textMode", "value_and_name")
    }

    /// The name of each series rather than its value, which is always 1.
    pub(super) fn name_only(self) -> Self {
        self.option("textMode", "name")
    }

    /// The ends of the scale.
    pub(super) fn between(mut self, min: Option<Decimal>, max: Option<Decimal>) -> Self {
        (self.defaults.min, self.defaults.max) = (min.and_then(number), max.and_then(number));
        self
    }

    /// Each step of the scale is ten times the one before.
    pub(super) fn logarithmic(mut self) -> Self {
        // A logarithm has no zero; below 1 it is linear.
        self.custom("scaleDistribution", json!({ "type": "symlog", "log": 10, "linearThreshold": 1 }));
        self
    }

    /// On top of each other, where their sum means something.
    pub(super) fn stacked(mut self) -> Self {
        self.custom("stacking", json!({ "mode": "normal", "group": "A" })).custom("fillOpacity", 30);
        self
    }

    /// One that doesn't belong to the others: a ceiling, an objective.
    pub(super) fn dashed(mut self, name: &str) -> Self {
        let property = |id, value| Property { id, value };
        self.overrides.push(Override {
            matcher: Matcher { id: "byName", options: name.to_owned() },
            properties: vec![
                property("custom.lineStyle", json!({ "fill": "dash", "dash": [10, 10] })),
                property("custom.fillOpacity", json!(0)),
                property("color", json!({ "mode": "fixed", "fixedColor": RED })),
            ],
        });
        self
    }

    /// Where to read on.
    pub(super) fn linked(mut self, title: &str, url: &str) -> Self {
        let link = PanelLink { title: title.to_owned(), url: url.to_owned(), target_blank: true };
        self.panel.links.push(link);
        self
    }

    fn option(mut self, name: &str, value: &str) -> Self {
        if let Some(options) = self.panel.options.as_object_mut() {
            options.insert(name.to_owned(), value.into());
        }
        self
    }

    fn custom(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.defaults.custom.insert(name, value.into());
        self
    }

    /// The panel, without a place.
    pub(super) fn done(mut self) -> Panel {
        self.panel.field_config = Some(FieldConfig { defaults: self.defaults, overrides: self.overrides });
        self.panel
    }
}

/// The head of a row.
pub(super) fn row(title: &str) -> Panel {
    let mut panel = Draft::words(title, "", "");
    panel.kind = Kind::Row;
    panel.options = Value::Null;
    panel.collapsed = Some(false);
    panel.panels = Some([]);
    panel
}

/// The newest value of each series.
fn last() -> Value {
    json!({ "calcs": ["lastNotNull"], "fields": "", "values": false })
}

fn title_case(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
