//! `#[expect(lint, reason = "…")]`, never `allow`: an expectation that is no longer needed makes itself known.
//!
//! Clippy's own lint sees only what is compiled here; this rule sees every target and every feature.

use super::Finding;
use super::files::Files;

pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files.ending(&[".rs"]) {
        for (index, line) in text.lines().enumerate() {
            if allows(line.trim_start()) {
                findings.push(Finding::line(
                    path,
                    index + 1,
                    "write `#[expect(…, reason = \"…\")]` instead of `allow`",
                ));
            }
        }
    }
    findings
}

/// An attribute named `allow`, or one that a condition adds. A string among a test's cases is neither.
fn allows(line: &str) -> bool {
    let attribute = line.strip_prefix("#[").or_else(|| line.strip_prefix("#!["));
    attribute.is_some_and(|name| {
        name.starts_with("allow(") || (name.starts_with("cfg_attr(") && name.contains(" allow("))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::findings;
    use super::*;

    #[rstest]
    #[case("#[allow(dead_code)]", true)]
    #[case("    #![allow(clippy::all, reason = \"no\")]", true)]
    #[case("#[cfg_attr(test, allow(unused))]", true)]
    #[case("#[expect(dead_code, reason = \"read by a macro\")]", false)]
    #[case("// #[allow(dead_code)] in words", false)]
    fn an_allowed_lint_is_found(#[case] line: &str, #[case] wrong: bool) {
        assert_eq!(findings(check, &[("a.rs", line)]).len(), usize::from(wrong));
    }
}
