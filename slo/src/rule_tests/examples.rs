//! From selectors to labels that they select, or just don't. Owns the search; must never guess what can't be checked.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::util::escape_string;

/// The labels of one series.
pub(super) type Labels = BTreeMap<String, String>;

/// A condition and whether it has to hold.
pub(super) type Wish<'a> = (&'a Matcher, bool);

/// Labels that meet all wishes, if some of the values that the conditions name, or another one, do.
pub(super) fn labels(wishes: &[Wish<'_>]) -> Option<Labels> {
    let names: BTreeSet<&str> = wishes.iter().map(|(matcher, _)| matcher.name.as_str()).collect();
    let value = |name: &str| {
        let about: Vec<&Wish<'_>> = wishes.iter().filter(|(matcher, _)| matcher.name == name).collect();
        let candidates = about.iter().flat_map(|(matcher, _)| named(matcher));
        candidates
            .chain([String::new(), "other".to_owned()])
            .find(|value| about.iter().all(|(matcher, holds)| matcher.is_match(value) == *holds))
    };
    names.into_iter().map(|name| Some((name.to_owned(), value(name)?))).collect()
}

/// Labels that all of `total` select and not all of `bad` do.
pub(super) fn labels_without(total: &[Matcher], bad: &[Matcher]) -> Option<Labels> {
    bad.iter().find_map(|broken| labels(&[all(total), vec![(broken, false)]].concat()))
}

/// Every condition holds.
pub(super) fn all(matchers: &[Matcher]) -> Vec<Wish<'_>> {
    matchers.iter().map(|matcher| (matcher, true)).collect()
}

/// Every condition holds, but those on one label: there each is broken.
pub(super) fn all_but<'a>(matchers: &'a [Matcher], label: &str) -> Vec<Wish<'a>> {
    matchers.iter().map(|matcher| (matcher, matcher.name != label)).collect()
}

/// The values that a condition names: itself, or the alternatives of a simple regular expression.
fn named(matcher: &Matcher) -> Vec<String> {
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.clone()],
        MatchOp::Re(_) | MatchOp::NotRe(_) => {
            matcher.value.split('|').map(|alternative| alternative.replace('\\', "")).collect()
        }
    }
}

/// As PromQL writes a series.
pub(super) fn series(metric: &str, labels: &Labels) -> String {
    let labels: Vec<_> = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}=\"{}\"", escape_string(value)))
        .collect();
    format!("{metric}{{{}}}", labels.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;

    fn matchers(text: &str) -> Vec<Matcher> {
        Query::selector(&format!("x{{{text}}}")).unwrap().matchers().to_vec()
    }

    #[test]
    fn an_example_is_selected_and_a_counter_example_is_not() {
        let total = matchers(r#"route="/api",error_source!~"client|limit""#);
        let bad = matchers(r#"route="/api",error_source=~"server|dependency""#);
        let selects = |matchers: &[Matcher], labels: &Labels| {
            matchers.iter().all(|matcher| matcher.is_match(&labels[&matcher.name]))
        };
        let good = labels_without(&total, &bad).unwrap();
        assert!(selects(&total, &good) && !selects(&bad, &good), "{good:?}");
        let failed = labels(&[all(&total), all(&bad)].concat()).unwrap();
        assert!(selects(&total, &failed) && selects(&bad, &failed), "{failed:?}");
        let foreign = labels(&all_but(&total, "route")).unwrap();
        assert_ne!(foreign["route"], "/api");
    }

    #[test]
    fn a_contradiction_has_no_example() {
        let matchers = matchers(r#"route="/a""#);
        assert_eq!(labels(&[(&matchers[0], true), (&matchers[0], false)]), None);
    }

    #[test]
    fn a_route_with_braces_is_found_in_its_expression() {
        let matchers = matchers(r#"route=~"/v2/models/\\{model\\}/infer|/v2/x""#);
        assert_eq!(labels(&all(&matchers)).unwrap()["route"], "/v2/models/{model}/infer");
    }
}
