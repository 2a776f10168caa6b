//! What has to stand in the page of an alert, the questions that a page asks of Prometheus, the commands that it gives.
//!
//! Owns the headings and the judgement of pages against the alerts. Must never read a file: pages are texts by name; nor
//! run a command.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};
use serde::Serialize;

use crate::catalogue::Known;
use crate::query::Query;

/// The sections of an alert's page, in their order: what a woken person asks, in the order of asking.
pub const HEADINGS: [&str; 6] = ["Meaning", "Impact", "Is it real?", "Diagnosis", "Mitigation", "Afterwards"];

/// The language of a question.
const QUESTION: &str = "promql";

/// A page as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The headings of its second level.
    headings: Vec<String>,
    /// Headings with nothing between them and the next.
    empty: Vec<String>,
    /// Its fenced blocks, in order, by what is written behind the fence.
    blocks: BTreeMap<String, Vec<Block>>,
}

/// A fenced block of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// The section that it stands in; empty above the first.
    pub section: String,
    /// The line that it begins on, from 1.
    pub line: usize,
    /// What is in it.
    pub text: String,
}

/// Something wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The page's file name.
    pub file: String,
    /// Where on the page; none where there is no page.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub wrong: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.wrong),
            None => write!(f, "{}: {}", self.file, self.wrong),
        }
    }
}

impl Page {
    /// Reads a page.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut page = Self { headings: Vec::new(), empty: Vec::new(), blocks: BTreeMap::new() };
        let mut events = Parser::new(text).into_offset_iter();
        let mut is_empty = false;
        while let Some((event, place)) = events.next() {
            match event {
                Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                    page.close_section(is_empty);
                    page.headings.push(words(&mut events));
                    is_empty = true;
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    let line = 1 + text.get(..place.start).map_or(0, |before| before.matches('\n').count());
                    let section = page.headings.last().cloned().unwrap_or_default();
                    let block = Block { section, line, text: words(&mut events).trim().to_owned() };
                    page.blocks.entry(language.into_string()).or_default().push(block);
                    is_empty = false;
                }
                _ => is_empty = false,
            }
        }
        page.close_section(is_empty);
        page
    }

    /// Its fenced blocks, in order, by what is written behind the fence.
    #[must_use]
    pub const fn blocks(&self) -> &BTreeMap<String, Vec<Block>> {
        &self.blocks
    }

    /// What it asks of Prometheus, in order.
    #[must_use]
    pub fn questions(&self) -> &[Block] {
        self.blocks.get(QUESTION).map_or(&[], Vec::as_slice)
    }

    fn close_section(&mut self, is_empty: bool) {
        if is_empty {
            self.empty.extend(self.headings.last().cloned());
        }
    }

    /// What is wrong with its sections.
    fn shape(&self) -> Option<String> {
        if self.headings != HEADINGS {
            return Some(format!(
                "expected the sections {}, found {}",
                HEADINGS.join(" · "),
                if self.headings.is_empty() { "none".to_owned() } else { self.headings.join(" · ") }
            ));
        }
        (!self.empty.is_empty()).then(|| format!("nothing is written under {}", self.empty.join(", ")))
    }
}

/// The words up to the end of what has just begun.
fn words<'a>(events: &mut impl Iterator<Item = (Event<'a>, std::ops::Range<usize>)>) -> String {
    let mut words = String::new();
    for (event, _) in events {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::End(TagEnd::Heading(_) | TagEnd::CodeBlock) => break,
            _ => {}
        }
    }
    words
}

/// The alert that a file is about: `ApiLatencyBurn.md`. Pages of tasks begin with a small letter.
fn alert(file: &str) -> Option<&str> {
    let name = file.strip_suffix(".md")?;
    (name.starts_with(char::is_uppercase) && name != "README").then_some(name)
}

/// Everything that is wrong with the pages: an alert without one, one without its alert, sections that are missing or
/// empty, an alert's page that asks nothing, an expression that is none or asks for what nobody exports or records.
#[must_use]
pub fn faults(alerts: &BTreeSet<&str>, pages: &BTreeMap<String, Page>, known: &Known) -> Vec<Fault> {
    let missing = alerts.iter().map(|alert| format!("{alert}.md")).filter(|file| !pages.contains_key(file));
    let missing = missing.map(|file| Fault {
        wrong: format!("missing: the alert {} leads here", file.trim_end_matches(".md")),
        file,
        line: None,
    });
    missing.chain(pages.iter().flat_map(|(file, page)| of_page(file, page, alerts, known))).collect()
}

fn of_page(file: &str, page: &Page, alerts: &BTreeSet<&str>, known: &Known) -> Vec<Fault> {
    let fault = |line, wrong| Fault { file: file.to_owned(), line, wrong };
    let mut faults = Vec::new();
    if let Some(alert) = alert(file) {
        if !alerts.contains(alert) {
            faults.push(fault(
                None,
                format!("no rule makes the alert {alert}; delete the page, or name it after its alert"),
            ));
        }
        faults.extend(page.shape().map(|wrong| fault(None, wrong)));
        if page.questions().is_empty() {
            faults.push(fault(None, "asks nothing of Prometheus: expected a `promql` block".to_owned()));
        }
    }
    for Block { line, text, .. } in page.questions() {
        let wrong = match Query::parse(text) {
            Ok(query) => known.faults(&query),
            Err(error) => vec![error.to_string()],
        };
        faults.extend(wrong.into_iter().map(|wrong| fault(Some(*line), wrong)));
    }
    faults
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = "# A\n\n## Meaning\n\nM\n\n## Impact\n\nI\n\n## Is it real?\n\n```promql\nup\n```\n\n\
                        ## Diagnosis\n\n1. D\n\n## Mitigation\n\n1. M\n\n## Afterwards\n\nA\n";

    fn judged(file: &str, text: &str) -> Vec<String> {
        let alerts = BTreeSet::from(["Burn"]);
        let pages = BTreeMap::from([(file.to_owned(), Page::read(text))]);
        faults(&alerts, &pages, &Known::of(&[])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_page_of_an_alert_with_all_sections_and_a_question_is_right() {
        assert_eq!(judged("Burn.md", GOOD), Vec::<String>::new());
        assert_eq!(
            Page::read(GOOD).questions(),
            [Block { section: "Is it real?".to_owned(), line: 13, text: "up".to_owned() }]
        );
    }

    #[test]
    fn blocks_in_lists_are_read_too_and_kept_apart_by_what_is_behind_the_fence() {
        let page = Page::read("```sh\nrm -r /\n```\n\n1. One\n\n   ```sh run\n   true\n   ```\n");
        let languages: Vec<_> = page.blocks().keys().map(String::as_str).collect();
        assert_eq!(languages, ["sh", "sh run"]);
        assert_eq!(
            page.blocks()["sh run"],
            [Block { section: String::new(), line: 7, text: "true".to_owned() }]
        );
    }

    #[rstest]
    #[case::a_missing_section("## Impact\n\nI\n\n", "", "Burn.md: expected the sections Meaning · Impact")]
    #[case::a_changed_order("## Impact", "## Mitigation", "found Meaning · Mitigation")]
    #[case::an_empty_section("1. D\n\n", "", "Burn.md: nothing is written under Diagnosis")]
    #[case::an_empty_last_section("\nA\n", "", "Burn.md: nothing is written under Afterwards")]
    #[case::no_question("```promql\nup\n```", "Yes.", "Burn.md: asks nothing of Prometheus")]
    #[case::what_does_not_parse("\nup\n", "\nup{\n", "Burn.md:13: `up{` is not PromQL")]
    #[case::what_nobody_exports("\nup\n", "\nnope\n", "Burn.md:13: nobody exports or records `nope`")]
    fn a_fault_says_where_it_is_and_what_would_be_right(
        #[case] from: &str,
        #[case] to: &str,
        #[case] says: &str,
    ) {
        assert!(GOOD.contains(from), "{from:?}");
        let faults = judged("Burn.md", &GOOD.replacen(from, to, 1));
        assert!(faults.len() == 1 && faults.iter().all(|fault| fault.contains(says)), "{faults:?}");
    }

    #[test]
    fn an_alert_without_a_page_and_a_page_without_its_alert_are_faults() {
        let faults = judged("Gone.md", GOOD);
        assert_eq!(
            faults,
            [
                "Burn.md: missing: the alert Burn leads here",
                "Gone.md: no rule makes the alert Gone; delete the page, or name it after its alert"
            ]
        );
    }

    #[test]
    fn a_page_of_a_task_has_the_sections_it_likes_and_its_questions_are_read_all_the_same() {
        let alert_is_there = BTreeMap::from([
            ("Burn.md".to_owned(), Page::read(GOOD)),
            ("keys.md".to_owned(), Page::read("# Keys\n\n```promql\nnope\n```\n")),
        ]);
        let faults = faults(&BTreeSet::from(["Burn"]), &alert_is_there, &Known::of(&[]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults.first().map(|fault| (fault.file.as_str(), fault.line)), Some(("keys.md", Some(3))));
    }
}
