//! Golden answers: rows with the class that the trainer gave. A model that misses one is not the model that was
//! trained.

use serde::Deserialize;

use super::{Classifier, ModelError};

/// A row and the class that the trainer gave it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenRow {
    /// The features.
    pub array: Vec<f32>,
    /// The class.
    pub class: i64,
}

/// A file of golden answers.
#[derive(Debug, Clone)]
pub struct GoldenAnswers {
    file: String,
    rows: Vec<GoldenRow>,
}

#[derive(Deserialize)]
struct File {
    rows: Vec<GoldenRow>,
}

impl GoldenAnswers {
    /// Parses the JSON in `bytes`. `file` is what errors call it.
    ///
    /// # Errors
    /// [`ModelError::NotGolden`] where the JSON is not `{"rows":[{"array":[…],"class":0},…]}` or has no row.
    pub fn from_json(file: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::NotGolden { file: file.to_owned(), reason };
        let File { rows } = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if rows.is_empty() {
            return Err(wrong("it has no row; expected at least one".to_owned()));
        }
        Ok(Self { file: file.to_owned(), rows })
    }

    /// The rows, in the file's order.
    #[must_use]
    pub fn rows(&self) -> &[GoldenRow] {
        &self.rows
    }

    /// The classes that occur, ascending.
    #[must_use]
    pub fn classes(&self) -> Vec<i64> {
        let classes: std::collections::BTreeSet<i64> = self.rows.iter().map(|row| row.class).collect();
        classes.into_iter().collect()
    }

    /// Runs every row through both plans of `classifier`, which came from `file`: alone, and all in one batch. What it
    /// answers callers must be the same.
    ///
    /// # Errors
    /// [`ModelError::WrongAnswer`] for the first row that is answered otherwise; [`ModelError::NotGolden`] where a row
    /// has another length than the model's.
    pub fn check(&self, classifier: &Classifier, file: &str) -> Result<(), ModelError> {
        let features = classifier.metadata().features;
        if let Some((row, golden)) = self.rows.iter().enumerate().find(|(_, row)| row.array.len() != features)
        {
            let reason =
                format!("row {} has {} numbers; expected {features}, as {file}", row + 1, golden.array.len());
            return Err(ModelError::NotGolden { file: self.file.clone(), reason });
        }
        let all: Vec<f32> = self.rows.iter().flat_map(|row| row.array.iter().copied()).collect();
        let answers = classifier.classify(&all)?.into_iter().zip(classifier.run(&all)?);
        for (index, (golden, (answered, batched))) in self.rows.iter().zip(answers).enumerate() {
            let alone = classifier.run(&golden.array)?.first().copied().unwrap_or(batched);
            if let Some(got) = [answered, alone, batched].into_iter().find(|got| *got != golden.class) {
                return Err(ModelError::WrongAnswer {
                    file: file.to_owned(),
                    golden: self.file.clone(),
                    row: index + 1,
                    got,
                    expected: golden.class,
                });
            }
        }
        Ok(())
    }
}
