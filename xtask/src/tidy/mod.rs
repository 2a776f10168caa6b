//! `cargo xtask tidy`: the workspace's own rules. One file for each rule, one line in the registry.
//!
//! A rule looks at the files that git would track and says what is wrong, where, and what would be right. Must never
//! change a file.

mod anchors;
mod attributes;
mod file_names;
mod files;
mod links;
mod machine_paths;
mod manifests;
mod module_docs;
mod named_code;
mod source_length;
mod workflows;

use std::fmt;

use anyhow::bail;

use self::files::Files;
use crate::workspace::Workspace;

/// Something that the whole workspace keeps to.
struct Rule {
    /// What it asks for, as a sentence.
    says: &'static str,
    check: fn(&Files) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule {
        says: "every crate inherits the workspace's settings, lints and versions",
        check: manifests::check,
    },
    Rule { says: "a source file has 400 lines or fewer", check: source_length::check },
    Rule { says: "every Rust file starts with `//!`", check: module_docs::check },
    Rule { says: "a lint is expected with a reason, never allowed", check: attributes::check },
    Rule { says: "a file is named after what it holds", check: file_names::check },
    Rule { says: "relative links and anchors in Markdown resolve", check: links::check },
    Rule { says: "Rust files, and what a page says is in them, are there", check: named_code::check },
    Rule { says: "nothing names a machine or its registry", check: machine_paths::check },
    Rule { says: "what GitHub runs is hardened, and nothing but a caller", check: workflows::check },
];

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Relative to the root.
    path: String,
    /// Counted from 1, where a line is to blame.
    line: Option<usize>,
    wrong: String,
}

impl Finding {
    fn file(path: &str, wrong: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, wrong: wrong.into() }
    }

    fn line(path: &str, line: usize, wrong: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), wrong: wrong.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.wrong),
            None => write!(f, "{}: {}", self.path, self.wrong),
        }
    }
}

pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let files = Files::of(workspace.root())?;
    let mut broken = 0;
    for rule in RULES {
        let findings = (rule.check)(&files);
        broken += findings.len();
        for finding in findings {
            eprintln!("{finding}\n    rule: {}", rule.says);
        }
    }
    if broken > 0 {
        bail!("{broken} places break a rule of the workspace");
    }
    eprintln!("{} rules hold in {} files", RULES.len(), files.len());
    Ok(())
}

#[cfg(test)]
mod fixture {
    //! A workspace of a few files, for the tests of the rules.

    use super::Finding;
    use super::files::Files;

    /// What a rule finds in these files, as a person reads it.
    pub(super) fn findings(check: fn(&Files) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        check(&Files::of(folder.path()).unwrap()).iter().map(ToString::to_string).collect()
    }
}
