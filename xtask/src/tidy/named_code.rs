//! What a page says of Rust code is there: each file that it names, and behind it, as in "`drain.rs`: `name`, `other`",
//! what the file holds.
//!
//! A file may be named by the end of its path. Must never read more out of a sentence than these two.

use pulldown_cmark::{Event, Parser};

use super::Finding;
use super::anchors;
use super::files::Files;

/// What a name may be the name of.
const KINDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "macro_rules!"];

/// What stands between a file and the first name in it.
const FIRST: &str = ": ";

/// What stands between a name and the next.
const NEXT: [&str; 2] = [", ", " and "];

pub(super) fn check(files: &Files) -> Vec<Finding> {
    files.ending(&[".md"]).flat_map(|(path, text)| of_page(files, path, text)).collect()
}

fn of_page(files: &Files, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The file whose names may follow, and whether one has.
    let (mut file, mut has_name): (Option<String>, bool) = (None, false);
    for (event, place) in Parser::new_ext(text, anchors::EXTENSIONS).into_offset_iter() {
        let wrong = match event {
            Event::Code(code) if code.ends_with(".rs") && !code.contains([' ', '*']) => {
                (file, has_name) = (Some(code.to_string()), false);
                named(files, &code).next().is_none().then(|| format!("there is no file `{code}`"))
            }
            Event::Code(code) => file.as_ref().and_then(|file| {
                has_name = true;
                let is_there = named(files, file).any(|text| holds(text, &code));
                (!is_there).then(|| format!("`{file}` has nothing called `{code}`"))
            }),
            Event::Text(text) if if has_name { NEXT.contains(&&*text) } else { *text == *FIRST } => None,
            _ => {
                file = None;
                None
            }
        };
        if let Some(wrong) = wrong {
            let line = text.get(..place.start).map_or(1, |before| before.matches('\n').count() + 1);
            findings.push(Finding::line(path, line, wrong));
        }
    }
    findings
}

/// The files whose path is this, or ends with it.
fn named<'a>(files: &'a Files, name: &str) -> impl Iterator<Item = &'a str> {
    let end = format!("/{name}");
    files.ending(&[".rs"]).filter(move |(path, _)| format!("/{path}").ends_with(&end)).map(|(_, text)| text)
}

/// Whether something is defined under this name; one that ends with `…` is the beginning of it.
fn holds(text: &str, name: &str) -> bool {
    let (name, is_whole) = name.strip_suffix('…').map_or((name, true), |beginning| (beginning, false));
    let is_end = |after: &str| !after.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    KINDS.iter().any(|kind| {
        let definition = format!("{kind} {name}");
        text.match_indices(&definition)
            .any(|(at, found)| !is_whole || text.get(at + found.len()..).is_some_and(is_end))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::findings;
    use super::*;

    const CODE: &str = "//! Owns a.\nconst MOST: u8 = 1;\nfn drains_well() {}\n";

    #[rstest]
    #[case::a_file_by_the_end_of_its_path("`drain.rs`; `src/drain.rs`")]
    #[case::a_name_and_the_next("| `drain.rs`: `drains_well`, `MOST` | `other` |")]
    #[case::the_beginning_of_a_name("`drain.rs`: `drains_…`")]
    #[case::a_pattern_of_files("`src/*.rs`")]
    #[case::code_that_is_said_of_no_file("`drain.rs` beside `other`, `drain.rs`, `other`")]
    fn what_is_there_may_be_named(#[case] page: &str) {
        assert_eq!(findings(check, &[("page.md", page), ("src/drain.rs", CODE)]), Vec::<String>::new());
    }

    #[rstest]
    #[case::a_file("`rain.rs`", "page.md:1: there is no file `rain.rs`")]
    #[case::a_name("\n`drain.rs`: `drains`", "page.md:2: `drain.rs` has nothing called `drains`")]
    #[case::the_next_name("`drain.rs`: `MOST`, `LEAST`", "`drain.rs` has nothing called `LEAST`")]
    fn what_is_not_there_is_found(#[case] page: &str, #[case] says: &str) {
        let found = findings(check, &[("page.md", page), ("src/drain.rs", CODE)]);
        assert!(found.len() == 1 && found.iter().all(|finding| finding.contains(says)), "{found:?}");
    }
}
