//! What the API says of itself is what is committed, and every error has its place in it.

use std::collections::HashSet;

use inference::api::{ProblemKind, openapi_document};
use strum::IntoEnumIterator;

#[test]
fn the_committed_description_is_fresh() {
    let committed = include_str!("../../openapi.json");
    assert!(committed == openapi_document().unwrap(), "openapi.json is stale; run `cargo xtask generate`");
}

#[test]
fn every_problem_has_a_code_of_its_own_that_is_documented() {
    let document = openapi_document().unwrap();
    let mut codes = HashSet::new();
    for kind in ProblemKind::iter() {
        let facts = kind.facts();
        let kebab = facts.code.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(kebab && codes.insert(facts.code), "{facts:?}");
        assert!(facts.status.is_client_error() || facts.status.is_server_error(), "{facts:?}");
        assert!(!facts.title.is_empty());
        // A path or a method that is not in the document cannot be documented in it.
        let documented = document.contains(facts.code);
        assert_eq!(
            documented,
            !matches!(kind, ProblemKind::NotFound | ProblemKind::MethodNotAllowed),
            "{facts:?}"
        );
    }
}
