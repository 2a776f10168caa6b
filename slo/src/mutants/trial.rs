//! Runs the generated tests against a changed rule file, in the real promtool, in a folder of its own.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Attempt, Mutant, Subject};
use crate::outputs::to_yaml;

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Some test failed.
    Killed,
    /// All tests passed.
    Survived,
}

/// Why a mutant could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A file or the program.
    #[error("cannot try a mutant: {0}")]
    Io(#[from] io::Error),
    /// A file that can't be written as YAML.
    #[error(transparent)]
    Output(#[from] crate::outputs::OutputError),
}

/// A folder with the tests of one subject.
#[derive(Debug)]
pub struct Trial<'a> {
    subject: &'a Subject,
    promtool: PathBuf,
    folder: TempDir,
}

impl<'a> Trial<'a> {
    /// Writes the subject's tests.
    ///
    /// # Errors
    ///
    /// When a file can't be written.
    pub fn of(subject: &'a Subject, promtool: PathBuf) -> Result<Self, TrialError> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("rules"))?;
        for test in &subject.tests {
            let path = folder.path().join("tests").join(format!("{}.yaml", test.name));
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, to_yaml(&test.file)?)?;
        }
        Ok(Self { subject, promtool, folder })
    }

    /// Tries one: the likely tests first, then all others, until one fails. Of one that is `explained` only the likely
    /// tests are asked, which is enough to notice that the reason no longer holds.
    ///
    /// # Errors
    ///
    /// When promtool can't be run.
    pub fn run(&self, mutant: &Mutant, explained: bool) -> Result<Fate, TrialError> {
        let rules = self.folder.path().join("rules").join(format!("{}.yaml", mutant.subject));
        fs::write(rules, to_yaml(&self.subject.with(mutant))?)?;
        let likely = mutant.likely.iter().cloned();
        let rest = self.subject.tests.iter().map(|test| Attempt { file: test.name.clone(), tests: "" });
        let mut rest: Vec<_> =
            rest.filter(|attempt| !explained && !mutant.likely.contains(attempt)).collect();
        // A file of which some test looks at the rule notices sooner than the others: each takes seconds.
        rest.sort_by_key(|attempt| !mutant.likely.iter().any(|likely| likely.file == attempt.file));
        for attempt in likely.chain(rest) {
            if !self.passes(&attempt)? {
                return Ok(Fate::Killed);
            }
        }
        Ok(Fate::Survived)
    }

    fn passes(&self, attempt: &Attempt) -> Result<bool, TrialError> {
        let status = Command::new(&self.promtool)
            .args(["test", "rules", "--run", attempt.tests])
            .arg(self.folder.path().join("tests").join(format!("{}.yaml", attempt.file)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(status.success())
    }
}
