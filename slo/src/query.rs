//! PromQL that was parsed and type-checked. Owns the only way to a [`Query`]: through the parser.
//!
//! Must never let an expression out that nobody parsed.

use std::collections::BTreeSet;
use std::fmt;

use promql_parser::label::Matcher;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

/// An expression that Prometheus' grammar and types accept.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: String,
    parsed: Expr,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not PromQL: {reason}")]
pub struct QueryError {
    text: String,
    reason: String,
}

impl Query {
    /// Parses and type-checks.
    ///
    /// # Errors
    ///
    /// With the parser's reason.
    pub fn parse(text: impl Into<String>) -> Result<Self, QueryError> {
        let text = text.into();
        match parser::parse(&text) {
            Ok(parsed) => Ok(Self { text, parsed }),
            Err(reason) => Err(QueryError { text, reason }),
        }
    }

    /// The same, for what has to be a plain selector of series such as `errors_total{route="/api"}`.
    ///
    /// # Errors
    ///
    /// With the parser's reason, or that it is something else.
    pub fn selector(text: &str) -> Result<Selector, QueryError> {
        let wrong = |reason: &str| QueryError { text: text.to_owned(), reason: reason.to_owned() };
        let query = Self::parse(text)?;
        let Expr::VectorSelector(parsed) = query.parsed else {
            return Err(wrong("expected a selector of series, without functions, ranges or operators"));
        };
        if parsed.offset.is_some() || parsed.at.is_some() {
            return Err(wrong("a selector of an indicator has neither offset nor @"));
        }
        let Some(metric) = parsed.name.clone() else { return Err(wrong("a selector needs a metric's name")) };
        if parsed.matchers.matchers.iter().any(|matcher| matcher.name == "__name__") {
            return Err(wrong("the metric's name stands before the braces"));
        }
        Ok(Selector { metric, matchers: parsed.matchers.matchers })
    }

    /// The names of all series that it reads.
    #[must_use]
    pub fn metrics(&self) -> BTreeSet<String> {
        self.selectors().into_iter().filter_map(|selector| selector.name).collect()
    }

    /// Everything in it that selects series.
    #[must_use]
    pub fn selectors(&self) -> Vec<VectorSelector> {
        let mut found = Selectors(Vec::new());
        match walk_expr(&mut found, &self.parsed) {
            Ok(_) => found.0,
            Err(never) => match never {},
        }
    }

    /// Whether it yields a vector at an instant, which rules and panels need.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        matches!(self.parsed.value_type(), ValueType::Vector | ValueType::Scalar)
    }

    /// What the parser made of it.
    #[must_use]
    pub const fn expr(&self) -> &Expr {
        &self.parsed
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

struct Selectors(Vec<VectorSelector>);

impl ExprVisitor for Selectors {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(selector) => self.0.push(selector.clone()),
            Expr::MatrixSelector(selector) => self.0.push(selector.vs.clone()),
            _ => {}
        }
        Ok(true)
    }
}

/// One metric and what its labels have to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    metric: String,
    matchers: Vec<Matcher>,
}

impl Selector {
    /// The metric's name.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// What its labels have to be.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// The same series of another metric.
    #[must_use]
    pub fn of(&self, metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), ..self.clone() }
    }

    /// The same with more conditions, such as `error_source="",le="0.025"`. Labels that have a condition get another.
    ///
    /// # Errors
    ///
    /// When the conditions don't parse.
    pub fn and(&self, conditions: &str) -> Result<Self, QueryError> {
        let added = Query::selector(&format!("{}{{{conditions}}}", self.metric))?.matchers;
        let mut narrower = self.clone();
        narrower.matchers.retain(|matcher| added.iter().all(|other| other.name != matcher.name));
        narrower.matchers.extend(added);
        Ok(narrower)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        let matchers: Vec<_> = self.matchers.iter().map(ToString::to_string).collect();
        if matchers.is_empty() { Ok(()) } else { write!(f, "{{{}}}", matchers.join(",")) }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::aggregation_over_a_range("sum(errors_total[5m])", "got matrix")]
    #[case::half("sum(rate(errors_total[5m])", "")]
    #[case::unknown_function("mean(errors_total)", "")]
    fn refuses(#[case] text: &str, #[case] reason: &str) {
        let error = Query::parse(text).unwrap_err().to_string();
        assert!(error.contains(text) && error.contains(reason), "{error}");
    }

    #[rstest]
    #[case::function("rate(errors_total[5m])", "expected a selector")]
    #[case::range("errors_total[5m]", "expected a selector")]
    #[case::offset("errors_total offset 5m", "neither offset")]
    #[case::nameless(r#"{route="/api"}"#, "needs a metric's name")]
    #[case::name_as_label(r#"{__name__="errors_total"}"#, "metric's name")]
    fn is_no_selector(#[case] text: &str, #[case] reason: &str) {
        let error = Query::selector(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn names_all_series_that_it_reads() {
        let query = Query::parse("sum(rate(a[5m])) / (b > 0) or sum_over_time(c[1h:5m])").unwrap();
        assert_eq!(query.metrics().into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_selector_is_narrowed_and_a_condition_replaced() {
        let selector = Query::selector(r#"x_count{route="/api",error_source!~"client|limit"}"#).unwrap();
        let good = selector.of("x_bucket").and(r#"error_source="",le="0.025""#).unwrap();
        assert_eq!(good.to_string(), r#"x_bucket{route="/api",error_source="",le="0.025"}"#);
    }

    #[test]
    fn a_route_with_braces_survives() {
        let text = r#"x{route=~"/v2/models/\\{model\\}/infer"}"#;
        assert_eq!(Query::selector(text).unwrap().to_string(), text);
    }
}
