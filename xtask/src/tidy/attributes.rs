//! `#[expect(lint, reason = "…")]`, never `allow`: an expectation that is no longer needed makes itself known.
//!
//! Clippy's own lint sees only what is compiled here; this rule sees every target and every feature.

use super::Finding;
use super::files::Files;

pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files.ending(&[".rs"]) {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if (line.starts_with("#[") || line.starts_with("#![")) && line.contains("allow(") {
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
