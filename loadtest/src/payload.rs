//! What is sent and what has to come back: the golden rows of the model, by each route that predicts. Owns bodies; must
//! never decide what is right, because the file holds scikit-learn's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const GOLDEN: &str = include_str!("../../services/inference/model/golden.json");

/// The model's name, which is a part of the protocol's path.
const MODEL: &str = "flights";

/// What the model calls its rows.
const INPUT: &str = "float_input";

/// A route that predicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The service's own call.
    #[default]
    Api,
    /// The infer call of the Open Inference Protocol.
    Infer,
}

/// A body, and what must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The request's body.
    pub body: String,
    /// What of the answer must be so, byte for byte.
    pub answer: String,
}

#[derive(Deserialize)]
struct Golden {
    rows: Vec<GoldenRow>,
}

#[derive(Deserialize)]
struct GoldenRow {
    array: Vec<u8>,
    class: u8,
}

impl Route {
    /// Its value of the label `http_route` in the service's metrics.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Api => "/api",
            Self::Infer => "/v2/models/{model}/infer",
        }
    }

    pub(crate) fn path(self) -> String {
        self.label().replace("{model}", MODEL)
    }

    /// All rows of the domain, or those of a class alone. `field` is the name of the row in a body of the service's own
    /// call.
    ///
    /// # Errors
    ///
    /// When the golden answers are not of the form that training writes.
    pub fn rows(self, field: &str, only_class: Option<u8>) -> serde_json::Result<Vec<Row>> {
        let golden: Golden = serde_json::from_str(GOLDEN)?;
        let sent = golden.rows.into_iter().filter(|row| only_class.is_none_or(|class| row.class == class));
        sent.map(|row| self.row(field, &row)).collect()
    }

    fn row(self, field: &str, GoldenRow { array, class }: &GoldenRow) -> serde_json::Result<Row> {
        Ok(match self {
            Self::Api => {
                let (field, array) = (serde_json::to_string(field)?, serde_json::to_string(array)?);
                Row {
                    body: format!("{{{field}:{array}}}"),
                    answer: format!("{{\"predicciones\":[{class}]}}"),
                }
            }
            Self::Infer => {
                let input =
                    json!({"name": INPUT, "shape": [1, array.len()], "datatype": "FP32", "data": array});
                Row { body: json!({ "inputs": [input] }).to_string(), answer: format!("[{class}]") }
            }
        })
    }

    /// What of an answer is compared: all of it, or of the protocol's the classes alone, as the rest of it names the
    /// version of the model.
    pub(crate) fn compared(self, answer: String) -> String {
        match self {
            Self::Api => answer,
            Self::Infer => {
                let parsed: Option<Value> = serde_json::from_str(&answer).ok();
                let classes = parsed.as_ref().and_then(|parsed| parsed.pointer("/outputs/0/data"));
                classes.map(Value::to_string).unwrap_or(answer)
            }
        }
    }
}

/// All bodies, one a line, as the generator reads them.
#[must_use]
pub fn lines(rows: &[Row]) -> String {
    rows.iter().fold(String::new(), |lines, row| lines + &row.body + "\n")
}

/// What tells one set of bodies from another, in hexadecimal.
#[must_use]
pub fn sha256(lines: &str) -> String {
    hex::encode(Sha256::digest(lines))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::own(Route::Api, r#"{"array":["#, r#"{"predicciones":[0]}"#, r#"{"predicciones":[1]}"#)]
    #[case::of_the_protocol(Route::Infer, r#"{"inputs":[{"#, "[0]", "[1]")]
    fn the_whole_domain_is_sent_and_both_classes_are_among_the_answers(
        #[case] route: Route,
        #[case] begins: &str,
        #[case] zero: &str,
        #[case] one: &str,
    ) {
        let rows = route.rows("array", None).unwrap();
        assert_eq!((rows.len(), lines(&rows).lines().count()), (552, 552));
        assert!(rows.iter().all(|row| row.body.starts_with(begins)));
        for class in [zero, one] {
            assert!(rows.iter().any(|row| row.answer == class));
        }
        let of_one = route.rows("array", Some(1)).unwrap();
        assert!(of_one.iter().all(|row| row.answer == one));
        assert_eq!(of_one.len(), rows.iter().filter(|row| row.answer == one).count());
    }

    #[rstest]
    #[case::the_classes(r#"{"model_version":"x","outputs":[{"shape":[1],"data":[1]}]}"#, "[1]")]
    #[case::another_form(r#"{"predicciones":[1]}"#, r#"{"predicciones":[1]}"#)]
    fn of_the_protocols_answer_the_classes_are_compared(#[case] answer: &str, #[case] compared: &str) {
        assert_eq!(Route::Infer.compared(answer.to_owned()), compared);
    }
}
