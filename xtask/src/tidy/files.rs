//! The files that the rules look at: those that git tracks or would track.
//!
//! Read once for all rules. Must never look into what git ignores: nobody will read that.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use ignore::WalkBuilder;

/// All files of a workspace by their path from the root, with `/` between its parts.
#[derive(Debug)]
pub(crate) struct Files {
    /// `None` for what is not text.
    texts: BTreeMap<String, Option<String>>,
}

impl Files {
    pub(crate) fn of(root: &Path) -> anyhow::Result<Self> {
        let mut texts = BTreeMap::new();
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .require_git(false)
            .git_global(false)
            .parents(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build();
        for entry in walk {
            let entry = entry.context("cannot walk the workspace")?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                let path = entry.path();
                let relative = path.strip_prefix(root)?.to_str().context("a file name that is not UTF-8")?;
                let bytes = std::fs::read(path).with_context(|| format!("cannot read {relative}"))?;
                texts.insert(relative.to_owned(), String::from_utf8(bytes).ok());
            }
        }
        Ok(Self { texts })
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Paths of all files, text or not.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// Path and content of each text file.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Path and content of each text file whose name ends like that.
    pub(crate) fn ending(&self, endings: &'static [&'static str]) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path)?.as_deref()
    }

    /// Whether there is a file or a folder of this path; the empty path is the root.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty() || self.texts.contains_key(path) || self.paths().any(|file| file.starts_with(&folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_ignores_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            (".gitignore", "/target/\n"),
            (".ci/run", "x"),
            ("src/a.rs", "x"),
            ("target/b.rs", "x"),
            (".git/c", "x"),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let files = Files::of(folder.path()).unwrap();
        assert_eq!(files.paths().collect::<Vec<_>>(), [".ci/run", ".gitignore", "src/a.rs"]);
        assert!(files.has("src") && files.has("src/a.rs") && files.has("") && !files.has("sr"));
    }
}
