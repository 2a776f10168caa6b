//! Every Rust file starts with `//!`: what it owns, and what it must never do.

use super::Finding;
use super::files::Files;

pub(super) fn check(files: &Files) -> Vec<Finding> {
    files
        .ending(&[".rs"])
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| {
            Finding::line(path, 1, "start with `//!`: what this module owns and what it must never do")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn a_file_that_starts_with_code_is_found() {
        let files = [("a.rs", "//! Owns a.\n"), ("b.rs", "use std::fmt;\n//! Too late.\n"), ("c.rs", "")];
        let found = findings(check, &files);
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|finding| finding.starts_with("b.rs:1: start with `//!`")), "{found:?}");
    }
}
