//! The thresholds that a run is judged by. They are the alerts' own: `slo generate` writes them to
//! `loadtest/objectives.json`. Must never hold a number of its own.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};
use slo::query::{Query, Selector};

use crate::payload::Route;

/// The objectives of a service that can be judged by sending it requests.
#[derive(Debug, Clone, Deserialize)]
pub struct Objectives {
    objectives: Vec<Objective>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Objective {
    /// Its name, such as `api-latency`.
    pub slo: String,
    /// The share of bad requests that is allowed, such as 0.01.
    pub budget: Decimal,
    /// The slowest good answer in seconds; without one, only a missing answer and an error of the server are bad.
    pub threshold_seconds: Option<Decimal>,
    /// The series of the service in which its requests are counted.
    #[serde(deserialize_with = "selector")]
    pub total: Selector,
}

fn selector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Selector, D::Error> {
    Query::selector(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

impl Objective {
    /// Whether requests of this route count toward it.
    #[must_use]
    pub fn counts(&self, route: Route) -> bool {
        let mut of_route = self.total.matchers().iter().filter(|matcher| matcher.name == "http_route");
        of_route.all(|matcher| matcher.is_match(route.label()))
    }
}

/// A name that no objective has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no objective {name:?} that requests can be judged by; there are {}", known.join(", "))]
pub struct NoSuchObjective {
    name: String,
    known: Vec<String>,
}

impl Objectives {
    /// Reads the generated file's text.
    ///
    /// # Errors
    ///
    /// When it is not what `slo generate` writes.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The one with that name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn named(&self, name: &str) -> Result<&Objective, NoSuchObjective> {
        self.objectives.iter().find(|objective| objective.slo == name).ok_or_else(|| NoSuchObjective {
            name: name.to_owned(),
            known: self.objectives.iter().map(|objective| objective.slo.clone()).collect(),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One that stays as it is when ours are changed: availability of 99.9 %, or latency of 99 % within 25 ms.
    pub(crate) fn fixed(slo: &str) -> Objective {
        let text = include_str!("../tests/fixtures/objectives.json");
        Objectives::read(text).unwrap().named(slo).unwrap().clone()
    }

    #[test]
    fn what_the_compiler_generates_is_read_and_an_unknown_name_is_answered_with_the_known_ones() {
        let objectives = Objectives::read(include_str!("../objectives.json")).unwrap();
        assert!(objectives.named("api-latency").unwrap().threshold_seconds.is_some());
        assert!(objectives.named("api-availability").unwrap().threshold_seconds.is_none());
        let counts = |name, route| objectives.named(name).unwrap().counts(route);
        assert!(counts("api-latency", Route::Api) && !counts("api-latency", Route::Infer));
        assert!(counts("infer-latency", Route::Infer) && !counts("infer-latency", Route::Api));
        let error = objectives.named("api").unwrap_err().to_string();
        assert!(error.contains("there are api-availability, api-latency"), "{error}");
    }
}
