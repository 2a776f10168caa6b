//! Nothing in the repository names the machine on which it was written: no absolute path into somebody's home or
//! checkout, no package mirror, no folder beside the checkout.

use super::Finding;
use super::files::Files;

/// What a path must not begin with; one that stands inside a longer path or address is not meant.
const PATHS: [&str; 4] = ["/root/", "/home/", "/Users/", "/work/"];

/// What must not stand anywhere.
const ANYWHERE: [(&str, &str); 4] = [
    ("artifactory", "a package mirror of one machine; packages come from the default registry"),
    ("--index-url", "a package mirror of one machine; packages come from the default registry"),
    ("--extra-index-url", "a package mirror of one machine; packages come from the default registry"),
    ("../shared", "a folder beside the checkout, which nobody else has; take the path as an argument"),
];

/// This file names what it bans.
const ITSELF: &str = "xtask/src/tidy/machine_paths.rs";

pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files.texts().filter(|(path, _)| *path != ITSELF) {
        for (index, line) in text.lines().enumerate() {
            for prefix in PATHS.iter().filter(|prefix| begins_a_path(line, prefix)) {
                let wrong = format!("`{prefix}…` is a path of one machine; write it relative to the root");
                findings.push(Finding::line(path, index + 1, wrong));
            }
            for (_, wrong) in ANYWHERE.iter().filter(|(word, _)| line.contains(word)) {
                findings.push(Finding::line(path, index + 1, *wrong));
            }
        }
    }
    findings
}

/// Whether the line has a path that begins like that.
fn begins_a_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| before.is_whitespace() || "\"'`(=:,<[|".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::findings;
    use super::*;

    #[rstest]
    #[case("cache: /root/.cache", true)]
    #[case("see `/home/ana/puntual`", true)]
    #[case("PATH=/usr/bin:/Users/ana/bin", true)]
    #[case("pip install --index-url https://example.org/simple numpy", true)]
    #[case("data is in ../shared/data", true)]
    #[case("https://example.org/work/root/", false)]
    #[case("tests/root/certificate.pem", false)]
    #[case("the root, the home and the work", false)]
    fn a_place_that_only_one_machine_has_is_found(#[case] line: &str, #[case] wrong: bool) {
        assert_eq!(findings(check, &[("a.md", line)]).len(), usize::from(wrong));
    }

    #[test]
    fn the_finding_says_where() {
        assert_eq!(
            findings(check, &[("a.md", "fine\n/work/x\n")]),
            ["a.md:2: `/work/…` is a path of one machine; write it relative to the root"]
        );
    }
}
