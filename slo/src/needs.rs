//! What the objectives need a running service to export: metrics, label values, bounds. Pure: the page comes from outside.
//!
//! A counter that only appears with its first event hides that event from Prometheus, so a series that is needed has to be
//! there from the start, at zero.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use rust_decimal::Decimal;

use crate::exposition::Page;
use crate::objectives::{Histogram, Indicator, Objectives, Slo};
use crate::query::{QueryError, Selector};

/// One thing that has to be there.
#[derive(Debug, Clone)]
pub struct Need {
    /// The objective, or the constant of a histogram.
    pub of: String,
    /// What it is there for.
    pub part: &'static str,
    /// Selects the series.
    pub series: Selector,
    kind: &'static str,
    /// The metric that the page says the kind of.
    metric: String,
    /// Exactly these bounds.
    bounds: Option<Vec<Decimal>>,
    /// Labels that have to be there, whatever their values.
    by: Vec<String>,
}

/// All that the objectives need.
///
/// # Errors
///
/// When a selector can't be narrowed, which the definitions' checks exclude.
pub fn needs(objectives: &Objectives) -> Result<Vec<Need>, QueryError> {
    let mut needs = Vec::new();
    for slo in &objectives.slos {
        needs.extend(of_objective(slo)?);
    }
    for histogram in &objectives.histograms {
        needs.push(of_histogram(histogram)?);
    }
    Ok(needs)
}

fn of_objective(slo: &Slo) -> Result<Vec<Need>, QueryError> {
    let need = |part, kind, metric: &str, series| Need {
        of: slo.id.clone(),
        part,
        series,
        kind,
        metric: metric.to_owned(),
        bounds: None,
        by: slo.by.clone(),
    };
    Ok(match &slo.indicator {
        Indicator::Events { total, bad } => [("total", total), ("bad", bad)]
            .map(|(part, selector)| {
                let name = selector.metric();
                let histogram = name.strip_suffix("_count").or_else(|| name.strip_suffix("_bucket"));
                let (kind, metric) =
                    histogram.map_or(("counter", name), |histogram| ("histogram", histogram));
                need(part, kind, metric, selector.clone())
            })
            .into(),
        Indicator::Latency { total, .. } => {
            let metric = total.metric();
            let counted = total.of(format!("{metric}_count"));
            let mut needs = vec![need("total", "histogram", metric, counted)];
            if let Some(fast) = slo.fast()? {
                needs.push(need("fast", "histogram", metric, fast));
            }
            needs
        }
        Indicator::Freshness { timestamp, .. } => {
            vec![need("timestamp", "gauge", timestamp.metric(), timestamp.clone())]
        }
    })
}

fn of_histogram(histogram: &Histogram) -> Result<Need, QueryError> {
    let Histogram { metric, constant, bounds, .. } = histogram;
    Ok(Need {
        of: constant.clone(),
        part: "bounds",
        series: crate::query::Query::selector(&format!("{metric}_bucket"))?,
        kind: "histogram",
        metric: metric.clone(),
        bounds: Some(bounds.clone()),
        by: Vec::new(),
    })
}

impl Need {
    /// How many series of the page meet it.
    ///
    /// # Errors
    ///
    /// What is missing, as a sentence.
    pub fn met(&self, page: &Page) -> Result<usize, String> {
        let name = self.series.metric();
        match page.kind(&self.metric) {
            None => return Err(format!("no metric {}", self.metric)),
            Some(kind) if kind != self.kind => {
                return Err(format!("{} is a {kind}; expected a {}", self.metric, self.kind));
            }
            Some(_) => {}
        }
        let found = page.select(&self.series).count();
        if found == 0 {
            return Err(self.why_none(page));
        }
        for (label, value) in self.series.matchers().iter().flat_map(alternatives) {
            let mut selected = page.select(&self.series);
            if !selected.any(|series| series.label(label) == value) {
                return Err(format!("no series of {name} with {label}=\"{value}\" at zero"));
            }
        }
        if let Some(label) = self.by.iter().find(|label| page.values(name, label).is_empty()) {
            return Err(format!("no series of {name} has the label {label}"));
        }
        self.bounds.as_ref().map_or(Ok(()), |bounds| has_bounds(page, name, bounds))?;
        Ok(found)
    }

    /// The first condition that nothing meets.
    fn why_none(&self, page: &Page) -> String {
        let name = self.series.metric();
        let nobody = |matcher: &&Matcher| {
            let values = page.values(name, &matcher.name);
            !values.iter().any(|value| matcher.is_match(value))
        };
        match self.series.matchers().iter().find(nobody) {
            Some(matcher) => {
                let values: Vec<_> = page.values(name, &matcher.name).into_iter().collect();
                format!("no series of {name} with {matcher}; {} has {values:?}", matcher.name)
            }
            None => format!("no series of {name} meets all conditions at once"),
        }
    }
}

/// The values that a condition names: one, or each between `|` where that is all that the expression does.
fn alternatives(matcher: &Matcher) -> Vec<(&str, &str)> {
    let is_plain = |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let values: Vec<_> = match &matcher.op {
        MatchOp::Equal => vec![matcher.value.as_str()],
        MatchOp::Re(_) => matcher.value.split('|').collect(),
        MatchOp::NotEqual | MatchOp::NotRe(_) => Vec::new(),
    };
    if matches!(matcher.op, MatchOp::Re(_)) && !values.iter().all(|value| is_plain(value)) {
        return Vec::new();
    }
    values.into_iter().map(|value| (matcher.name.as_str(), value)).collect()
}

fn has_bounds(page: &Page, name: &str, bounds: &[Decimal]) -> Result<(), String> {
    let exported = page.values(name, "le").into_iter().filter(|le| *le != "+Inf");
    let exported: Result<BTreeSet<Decimal>, _> =
        exported.map(|le| le.parse().map_err(|_error| format!("le=\"{le}\" is no number"))).collect();
    let (exported, expected) = (exported?, bounds.iter().copied().collect());
    if exported == expected {
        return Ok(());
    }
    let only = |one: &BTreeSet<Decimal>, other: &BTreeSet<Decimal>| {
        one.difference(other).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    Err(format!(
        "{name} lacks the bounds [{}] and has [{}] besides",
        only(&expected, &exported),
        only(&exported, &expected)
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::definition::Source;

    fn objectives() -> Objectives {
        let source = Source::read("inference.yaml", include_str!("../tests/fixtures/service.yaml")).unwrap();
        source.check().unwrap()
    }

    /// A page with all that is needed.
    fn page() -> String {
        let mut page = String::new();
        for Histogram { metric, bounds, .. } in objectives().histograms {
            page += &format!("# TYPE {metric} histogram\n");
            let labels = if metric.starts_with("http_server") {
                [("/api", ""), ("/api", "server"), ("/api", "dependency")]
                    .into_iter()
                    .chain(["", "server", "dependency"].map(|source| ("/v2/models/{model}/infer", source)))
                    .map(|(route, source)| {
                        format!(r#"http_route="{route}",http_request_method="POST",error_source="{source}""#)
                    })
                    .collect()
            } else {
                vec![r#"http_route="/api""#.to_owned()]
            };
            for labels in labels {
                for bound in &bounds {
                    page += &format!("{metric}_bucket{{{labels},le=\"{bound}\"}} 0\n");
                }
                page += &format!("{metric}_bucket{{{labels},le=\"+Inf\"}} 0\n{metric}_count{{{labels}}} 0\n");
            }
        }
        page += "# TYPE probe_answers_total counter\n";
        for result in ["right", "wrong", "refused", "failed"] {
            page += &format!("probe_answers_total{{result=\"{result}\"}} 0\n");
        }
        for gauge in
            ["tls_client_crl_next_update_timestamp_seconds", "auth_jwks_last_refresh_timestamp_seconds"]
        {
            page += &format!("# TYPE {gauge} gauge\n{gauge} 0\n");
        }
        page
    }

    fn missing(page: &str) -> Vec<String> {
        let page = Page::read(page).unwrap();
        needs(&objectives()).unwrap().iter().filter_map(|need| need.met(&page).err()).collect()
    }

    #[test]
    fn a_page_with_everything_lacks_nothing() {
        assert_eq!(missing(&page()), [""; 0]);
    }

    #[rstest]
    #[case::a_metric("probe_answers_total", "probe_answers", "no metric probe_answers_total")]
    #[case::a_kind(
        "probe_answers_total counter",
        "probe_answers_total gauge",
        "is a gauge; expected a counter"
    )]
    #[case::a_route(
        "\"/api\",http_request",
        "\"/app\",http_request",
        "with http_route=\"/api\"; http_route has"
    )]
    #[case::a_source(
        "error_source=\"dependency\"",
        "error_source=\"other\"",
        "no series of http_server_request_duration_seconds_count with error_source=\"dependency\" at zero"
    )]
    #[case::a_result("result=\"failed\"", "result=\"broken\"", "with result")]
    #[case::a_threshold("le=\"0.025\"", "le=\"0.03\"", "with le=\"0.025\"; le has")]
    #[case::a_bound("le=\"0.0005\"", "le=\"0.0007\"", "lacks the bounds [0.0005] and has [0.0007] besides")]
    #[case::a_gauge("crl_next_update_timestamp_seconds", "crl_end", "no metric tls_client_crl_next_update")]
    fn says_what_is_missing(#[case] instead_of: &str, #[case] is: &str, #[case] says: &str) {
        let missing = missing(&page().replace(instead_of, is));
        assert!(missing.iter().any(|missing| missing.contains(says)), "{missing:#?}");
    }
}
