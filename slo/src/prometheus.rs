//! Asks a Prometheus server for the value of an expression now. Decides nothing by it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::http::{self, HttpError};
use crate::query::Query;

/// A server.
#[derive(Debug, Clone)]
pub struct Prometheus {
    url: String,
}

/// Labels and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Without the name.
    pub labels: BTreeMap<String, String>,
    /// Never NaN: that is no value.
    pub value: f64,
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The server doesn't answer, or with an error: which says what was wrong with the question.
    #[error("`{query}`: {source}")]
    Http {
        /// What was asked.
        query: String,
        /// What came back.
        source: HttpError,
    },
    /// Something else than Prometheus answered.
    #[error("`{query}`: {url} answers, but not as Prometheus does: {reason}")]
    NotPrometheus {
        /// What was asked.
        query: String,
        /// Whom.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", tag = "resultType", content = "result")]
enum Data {
    Vector(Vec<Element>),
    Scalar((f64, String)),
}

#[derive(Deserialize)]
struct Element {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

impl Prometheus {
    /// At `url`, without the path of the API.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned() }
    }

    /// The value of an expression now; nothing where it yields nothing.
    ///
    /// # Errors
    ///
    /// When the server can't say.
    pub fn now(&self, query: &Query) -> Result<Vec<Sample>, AskError> {
        let url = format!("{}/api/v1/query", self.url);
        let body = http::get(&url, &[("query", query.as_str())])
            .map_err(|source| AskError::Http { query: query.to_string(), source })?;
        let not =
            |reason: String| AskError::NotPrometheus { query: query.to_string(), url: url.clone(), reason };
        let Answer { data } = serde_json::from_str(&body).map_err(|error| not(error.to_string()))?;
        let elements = match data {
            Data::Vector(elements) => elements,
            Data::Scalar(value) => vec![Element { metric: BTreeMap::new(), value }],
        };
        let samples = elements.into_iter().map(|Element { mut metric, value: (_, value) }| {
            metric.remove("__name__");
            let value = value.parse().map_err(|_error| not(format!("{value:?} is no number")))?;
            Ok(Sample { labels: metric, value })
        });
        let samples: Result<Vec<Sample>, AskError> = samples.collect();
        Ok(samples?.into_iter().filter(|sample| !sample.value.is_nan()).collect())
    }
}
