//! Quota classes: how much the identities of a class may ask, each for itself. Reads the one file that says so; knows
//! neither tokens nor certificates, only a subject and its claims.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value};

use governor::Quota;

use super::rate::{self, Burst};

/// A class of the configuration, by its place there; the first is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Class(pub u8);

/// What a class entitles to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The label of its metrics and the policy in `RateLimit-Policy`.
    pub name: String,
    /// How much each of its identities may ask; `None`: as much as there are places.
    pub quota: Option<Quota>,
    /// The share of all places, in percent, above which its requests find none.
    pub places: u8,
}

/// Every class, and who is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    entitlements: Vec<Entitlement>,
    subjects: HashMap<String, Class>,
    claims: Vec<(String, String, Class)>,
}

/// What is wrong with a file of classes: every line at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", wrong.join("\n"))]
pub struct ClassesError {
    wrong: Vec<String>,
}

impl Default for Classes {
    /// One class without a quota, in which everybody is.
    fn default() -> Self {
        let everybody = Entitlement { name: "default".to_owned(), quota: None, places: 100 };
        Self { entitlements: vec![everybody], subjects: HashMap::new(), claims: Vec::new() }
    }
}

impl Classes {
    /// The classes in the file at `path`; without one, a single class without a quota.
    ///
    /// # Errors
    /// [`ClassesError`] where the file cannot be read or has wrong lines.
    pub fn load(path: Option<&Path>) -> Result<Self, ClassesError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ClassesError { wrong: vec![format!("{file}: cannot be read: {error}")] })?;
        Self::parse(&file, &text)
    }

    /// The classes in `text`, one a line: `NAME [rate=N/s burst=N] [places=P%] [sub=SUBJECT]… [claim:NAME=VALUE]…`.
    /// The first is the default and has no `sub` and no `claim`. What follows a `#` is a comment.
    ///
    /// # Errors
    /// [`ClassesError`] with all that is wrong; each line of it begins with `file:line`.
    pub fn parse(file: &str, text: &str) -> Result<Self, ClassesError> {
        let mut classes = Self { entitlements: Vec::new(), subjects: HashMap::new(), claims: Vec::new() };
        let mut wrong = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            for reason in classes.add(name, words) {
                wrong.push(format!("{file}:{number}: {reason}"));
            }
        }
        if classes.entitlements.is_empty() && wrong.is_empty() {
            wrong.push(format!("{file}: no class; expected a line such as `default rate=100/s burst=200`"));
        }
        if wrong.is_empty() { Ok(classes) } else { Err(ClassesError { wrong }) }
    }

    /// Adds a class; returns what is wrong with its words.
    fn add<'a>(&mut self, name: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut wrong = Vec::new();
        let Ok(place) = u8::try_from(self.entitlements.len()) else {
            return vec!["too many classes; expected at most 256".to_owned()];
        };
        let class = Class(place);
        // What the fields of the draft and the label of the metrics can carry without quoting.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            wrong.push(format!("the name {name:?}; expected letters, digits, `-` and `_`"));
        }
        if self.entitlements.iter().any(|known| known.name == name) {
            wrong.push(format!("the class {name:?} stands twice; expected each name once"));
        }
        let (mut rate, mut burst, mut places, mut members) = (None, None, 100, 0);
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let read = match key {
                "rate" => value.parse().map(|value| rate = Some(value)),
                "burst" => value.parse().map(|value: Burst| burst = Some(value)),
                "places" => percent(value).map(|value| places = value),
                _ => {
                    members += usize::from(key == "sub" || key.starts_with("claim:"));
                    self.add_member(key, value, class)
                }
            };
            wrong.extend(read.err());
        }
        if place == 0 && members > 0 {
            wrong.push(
                "the first class is the default, for whoever is in no other; expected no `sub` and \
                        no `claim` in it"
                    .to_owned(),
            );
        }
        if place > 0 && members == 0 {
            wrong.push(format!("nobody is in {name:?}; expected `sub=SUBJECT` or `claim:NAME=VALUE`"));
        }
        let quota = match (rate, burst) {
            (Some(pace), Some(burst)) => Some(rate::quota(pace, burst)),
            (None, None) => None,
            _ => {
                wrong.push("only one of `rate` and `burst`; expected both, or none for no quota".to_owned());
                None
            }
        };
        self.entitlements.push(Entitlement { name: name.to_owned(), quota, places });
        wrong
    }

    fn add_member(&mut self, key: &str, value: &str, class: Class) -> Result<(), String> {
        let expected = "expected `rate=N/s`, `burst=N`, `places=P%`, `sub=SUBJECT` or `claim:NAME=VALUE`";
        if value.is_empty() {
            return Err(format!("the word `{key}` has no value; {expected}"));
        }
        if key == "sub" {
            return match self.subjects.insert(value.to_owned(), class) {
                None => Ok(()),
                Some(_other) => Err(format!("the subject {value:?} stands twice; expected it in one class")),
            };
        }
        match key.strip_prefix("claim:").filter(|claim| !claim.is_empty()) {
            Some(claim) => {
                self.claims.push((claim.to_owned(), value.to_owned(), class));
                Ok(())
            }
            None => Err(format!("the word `{key}` is not known; {expected}")),
        }
    }

    /// The class of a subject: the one that names it, else the first with a claim that it has, else the default. A claim
    /// is a text, a list of texts, or for `scope` words with spaces between them (RFC 8693 §4.2).
    #[must_use]
    pub fn class_of(&self, subject: &str, claims: &Map<String, Value>) -> Class {
        let by_claim = || {
            let has = |(name, value, _): &&(String, String, Class)| {
                claims.get(name).is_some_and(|claim| says(name, claim, value))
            };
            self.claims.iter().find(has).map(|(_, _, class)| *class)
        };
        self.subjects.get(subject).copied().or_else(by_claim).unwrap_or_default()
    }

    /// All classes in the order of their [`Class`].
    #[must_use]
    pub fn entitlements(&self) -> &[Entitlement] {
        &self.entitlements
    }
}

fn says(name: &str, claim: &Value, value: &str) -> bool {
    match claim {
        Value::String(text) if name == "scope" => text.split(' ').any(|word| word == value),
        Value::String(text) => text == value,
        Value::Array(texts) => texts.iter().any(|text| text == value),
        _ => false,
    }
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').and_then(|digits| digits.parse().ok());
    number
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| format!("`places={text}`; expected 1% to 100%"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const FILE: &str = "\
# name    entitlement                      who
default   rate=10/s burst=20 places=50%
partners  rate=100/s burst=200 places=90%  sub=acme sub=lan claim:tier=gold
internal                                   claim:scope=ops
";

    #[rstest]
    #[case::nobody_known("someone", json!({}), 0)]
    #[case::by_subject("acme", json!({}), 1)]
    #[case::subject_before_claim("lan", json!({"scope": "ops"}), 1)]
    #[case::by_claim("someone", json!({"tier": "gold"}), 1)]
    #[case::in_a_list("someone", json!({"tier": ["silver", "gold"]}), 1)]
    #[case::not_in_a_list("someone", json!({"tier": ["silver", "bronze"]}), 0)]
    #[case::another_value("someone", json!({"tier": "golden"}), 0)]
    #[case::not_a_text("someone", json!({"tier": {"gold": true}}), 0)]
    #[case::one_of_the_scopes("someone", json!({"scope": "read ops"}), 2)]
    #[case::only_scope_has_words("someone", json!({"tier": "silver gold"}), 0)]
    #[case::part_of_a_scope("someone", json!({"scope": "devops"}), 0)]
    #[case::first_claim_in_the_file("someone", json!({"scope": "ops", "tier": "gold"}), 1)]
    fn a_subject_is_in_one_class(#[case] subject: &str, #[case] claims: Value, #[case] class: u8) {
        let classes = Classes::parse("classes", FILE).unwrap();
        assert_eq!(classes.class_of(subject, claims.as_object().unwrap()), Class(class));
    }

    #[test]
    fn a_line_says_what_its_class_may() {
        let classes = Classes::parse("classes", FILE).unwrap();
        let [default, _, internal] = classes.entitlements() else { panic!("three classes") };
        assert_eq!(
            (default.quota, default.places),
            (Some(rate::quota("10/s".parse().unwrap(), "20".parse().unwrap())), 50)
        );
        assert_eq!((internal.quota, internal.places), (None, 100));
        assert_eq!(Classes::load(None).unwrap().entitlements().len(), 1);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let text = "default rate=0/s sub=a places=0%\nx burst=many\nx sub=a foo claim:=b\nä sub=c";
        let error = Classes::parse("f", text).unwrap_err().to_string();
        let said: Vec<&str> = error.lines().map(|line| line.split(';').next().unwrap()).collect();
        assert_eq!(
            said,
            [
                "f:1: `rate=0/s`",
                "f:1: `places=0%`",
                "f:1: the first class is the default, for whoever is in no other",
                "f:2: `burst=many`",
                "f:2: nobody is in \"x\"",
                "f:3: the class \"x\" stands twice",
                "f:3: the subject \"a\" stands twice",
                "f:3: the word `foo` has no value",
                "f:3: the word `claim:` is not known",
                "f:4: the name \"ä\"",
            ]
        );
        assert!(error.lines().all(|line| line.contains("expected")), "{error}");
    }

    #[rstest]
    #[case("", "f: no class")]
    #[case("default rate=5/s", "f:1: only one of `rate` and `burst`")]
    fn is_refused(#[case] text: &str, #[case] says: &str) {
        let error = Classes::parse("f", text).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}
