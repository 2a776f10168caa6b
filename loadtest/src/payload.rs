//! What is sent and what has to come back: the golden rows of the model. Owns bodies; must never decide what is right,
//! because the file holds scikit-learn's answers.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

const GOLDEN: &str = include_str!("../../services/inference/model/golden.json");

/// A body, and what must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The request's body.
    pub body: String,
    /// The answer's, byte for byte.
    pub answer: String,
}

#[derive(Deserialize)]
struct Golden {
    rows: Vec<GoldenRow>,
}

#[derive(Deserialize)]
struct GoldenRow {
    array: Vec<u8>,
    class: i64,
}

/// All rows of the domain, each in a body's field of that name.
///
/// # Errors
///
/// When the golden answers are not of the form that training writes.
pub fn rows(field: &str) -> serde_json::Result<Vec<Row>> {
    let golden: Golden = serde_json::from_str(GOLDEN)?;
    golden
        .rows
        .into_iter()
        .map(|row| {
            let (field, array) = (serde_json::to_string(field)?, serde_json::to_string(&row.array)?);
            Ok(Row {
                body: format!("{{{field}:{array}}}"),
                answer: format!("{{\"predicciones\":[{}]}}", row.class),
            })
        })
        .collect()
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
    use super::*;

    #[test]
    fn the_whole_domain_is_sent_and_both_classes_are_among_the_answers() {
        let rows = rows("array").unwrap();
        assert_eq!((rows.len(), lines(&rows).lines().count()), (552, 552));
        assert!(rows.iter().all(|row| row.body.starts_with(r#"{"array":["#)));
        for class in ["0", "1"] {
            assert!(rows.iter().any(|row| row.answer == format!("{{\"predicciones\":[{class}]}}")));
        }
    }
}
