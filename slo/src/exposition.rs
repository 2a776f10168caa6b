//! A page of metrics in Prometheus' text format, as `/metrics` answers it. Owns its reading; must never judge it.
//!
//! Series are read by the parser of PromQL: the format's labels are a subset of its own, and a route such as
//! `/v2/models/{model}/infer` has braces that simpler readers end at.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::{Query, QueryError, Selector};

/// All that is exported.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    kinds: BTreeMap<String, String>,
    series: Vec<Series>,
}

/// One series, by its name and labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric, with `_bucket`, `_count` or `_sum` for those of a histogram.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its sample.
    pub value: f64,
}

/// A line that is none of the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no sample of Prometheus' text format: {reason}")]
pub struct PageError {
    line: usize,
    reason: String,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    ///
    /// For the first line that is no sample and no comment.
    pub fn read(text: &str) -> Result<Self, PageError> {
        let mut page = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |reason: String| PageError { line: index + 1, reason };
            if let Some(comment) = line.strip_prefix('#') {
                if let ["TYPE", name, kind] = comment.split_whitespace().collect::<Vec<_>>()[..] {
                    page.kinds.insert(name.to_owned(), kind.to_owned());
                }
            } else if !line.trim().is_empty() {
                page.series.push(series(line).map_err(wrong)?);
            }
        }
        Ok(page)
    }

    /// The same with what another page has: one objective's numbers may come from two processes.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.kinds.extend(other.kinds);
        self.series.extend(other.series);
        self
    }

    /// What a metric is, such as `counter`; `None` for one that isn't there.
    #[must_use]
    pub fn kind(&self, metric: &str) -> Option<&str> {
        self.kinds.get(metric).map(String::as_str)
    }

    /// All of them.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The series that a selector selects.
    pub fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(|series| {
            series.name == selector.metric()
                && selector.matchers().iter().all(|matcher| matcher.is_match(series.label(&matcher.name)))
        })
    }

    /// The values that a label has among the series of a name.
    #[must_use]
    pub fn values(&self, name: &str, label: &str) -> BTreeSet<&str> {
        let named = self.series.iter().filter(|series| series.name == name);
        named.filter_map(|series| series.labels.get(label).map(String::as_str)).collect()
    }
}

impl Series {
    /// A label's value; empty where there is none, as Prometheus has it.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// `name{labels} value timestamp`, of which the timestamp is not read.
fn series(line: &str) -> Result<Series, String> {
    // Neither a value nor a timestamp has a brace.
    let end = line.rfind('}').map_or_else(|| line.find(char::is_whitespace), |brace| Some(brace + 1));
    let (series, value) =
        end.and_then(|end| line.split_at_checked(end)).ok_or("expected `name{labels} value`")?;
    let value = value.split_whitespace().next().ok_or("there is no value")?;
    let value = value.parse().map_err(|_error| format!("{value:?} is no number"))?;
    let selector = Query::selector(series).map_err(|error: QueryError| error.to_string())?;
    let labels = selector.matchers().iter().map(|matcher| (matcher.name.clone(), matcher.value.clone()));
    Ok(Series { name: selector.metric().to_owned(), labels: labels.collect(), value })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PAGE: &str = r#"# HELP up Whether it's "up" {or not}.
# TYPE up gauge
up 1

# TYPE requests_total counter
requests_total{http_route="/v2/models/{model}/infer",error_source=""} 0
requests_total{http_route="a \\ \"b\"\n",error_source="server"} 1e+06 1700000000000
"#;

    #[test]
    fn reads_braces_and_escapes_within_labels() {
        let page = Page::read(PAGE).unwrap();
        assert_eq!(page.kind("requests_total"), Some("counter"));
        let routes = page.values("requests_total", "http_route");
        assert_eq!(routes.into_iter().collect::<Vec<_>>(), ["/v2/models/{model}/infer", "a \\ \"b\"\n"]);
        let selector = Query::selector(r#"requests_total{error_source!~"client|limit"}"#).unwrap();
        assert_eq!(page.select(&selector).count(), 2);
        let values: Vec<_> = page.series().iter().map(|series| series.value).collect();
        assert_eq!(values, [1.0, 0.0, 1e6]);
    }

    #[test]
    fn a_label_that_is_missing_is_empty() {
        let page = Page::read("up 1\n").unwrap();
        assert_eq!(page.select(&Query::selector(r#"up{job=""}"#).unwrap()).count(), 1);
        assert_eq!(page.select(&Query::selector(r#"up{job="a"}"#).unwrap()).count(), 0);
    }

    #[rstest]
    #[case::a_page_of_something_else("<html>", "line 1")]
    #[case::no_value("up 1\nup", "line 2")]
    #[case::no_number("up one", "\"one\" is no number")]
    #[case::half_a_label("up{job=\"a} 1", "line 1")]
    fn refuses(#[case] text: &str, #[case] says: &str) {
        let error = Page::read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
