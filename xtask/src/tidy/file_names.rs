//! A file or folder is named after what it holds. Some names hold anything, so they end up holding everything.

use super::Finding;
use super::files::Files;

const BANNED: [&str; 9] =
    ["common", "helper", "helpers", "manager", "managers", "misc", "miscellaneous", "util", "utils"];

pub(super) fn check(files: &Files) -> Vec<Finding> {
    files
        .paths()
        .filter_map(|path| {
            let banned = path.split('/').find(|part| {
                let stem = part.split('.').find(|piece| !piece.is_empty()).unwrap_or_default();
                BANNED.contains(&stem.to_ascii_lowercase().as_str())
            })?;
            Some(Finding::file(path, format!("`{banned}` says nothing; name it after what it holds")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::findings;
    use super::*;

    #[rstest]
    #[case("src/utils.rs", true)]
    #[case("tests/common/mod.rs", true)]
    #[case("Helpers.py", true)]
    #[case(".misc.yaml", true)]
    #[case("src/token_cache.rs", false)]
    #[case("src/commons_tragedy.rs", false)]
    fn a_name_that_says_nothing_is_found(#[case] path: &str, #[case] wrong: bool) {
        assert_eq!(findings(check, &[(path, "")]).len(), usize::from(wrong));
    }
}
