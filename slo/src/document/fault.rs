//! What is wrong with a file, where, and what would be right. Owns how it is told.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line of the file, from 1.
    pub line: usize,
    /// The field, such as `objectives[0].objective`; empty for the whole file.
    pub field: String,
    /// What was found and what would be right.
    pub message: String,
}

/// Everything that is wrong with one file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults {
    file: String,
    faults: Vec<Fault>,
}

impl Faults {
    pub(super) fn new(file: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort();
        faults.dedup();
        Self { file: file.to_owned(), faults }
    }

    /// Each of them.
    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for Faults {
    /// One line each: `file:line: field: message`, as editors and terminals make clickable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let (separator, colon) =
                (if index == 0 { "" } else { "\n" }, if fault.field.is_empty() { "" } else { ": " });
            let Fault { line, field, message } = fault;
            write!(f, "{separator}{}:{line}: {field}{colon}{message}", self.file)?;
        }
        Ok(())
    }
}
