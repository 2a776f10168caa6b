//! Every relative link and anchor in Markdown leads somewhere.
//!
//! Must never ask the network: an address with a scheme is not looked at.

use pulldown_cmark::{Event, Parser, Tag};

use super::Finding;
use super::anchors;
use super::files::Files;

pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files.ending(&[".md"]) {
        for (event, place) in Parser::new_ext(text, anchors::EXTENSIONS).into_offset_iter() {
            let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else {
                continue;
            };
            if let Err(wrong) = follow(files, path, &dest_url) {
                let line = text.get(..place.start).map_or(1, |before| before.matches('\n').count() + 1);
                findings.push(Finding::line(path, line, wrong));
            }
        }
    }
    findings
}

/// Whether a link on the page at `from` leads somewhere; if not, what is wrong.
fn follow(files: &Files, from: &str, link: &str) -> Result<(), String> {
    if has_scheme(link) {
        return Ok(());
    }
    let (target, anchor) =
        link.split_once('#').map_or((link, None), |(target, anchor)| (target, Some(anchor)));
    let page = if target.is_empty() {
        from.to_owned()
    } else {
        resolve(from, target).ok_or_else(|| format!("`{link}` leads out of the repository"))?
    };
    if !files.has(&page) {
        return Err(format!("`{link}` leads nowhere: there is no {page}"));
    }
    match (anchor, files.text(&page)) {
        (Some(anchor), Some(text)) if page.ends_with(".md") && !anchors::of(text).contains(anchor) => {
            Err(format!("`{link}` leads nowhere: {page} has no heading with the anchor `{anchor}`"))
        }
        _ => Ok(()),
    }
}

fn has_scheme(link: &str) -> bool {
    link.split_once(':')
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(char::is_alphanumeric))
}

/// The path from the root that a link on the page at `from` means, unless it leaves the root.
fn resolve(from: &str, target: &str) -> Option<String> {
    let (target, mut parts) = match target.strip_prefix('/') {
        Some(target) => (target, Vec::new()),
        None => (target, from.split('/').collect::<Vec<_>>()),
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::findings;
    use super::*;

    #[rstest]
    #[case::a_file("[a](../README.md)", "")]
    #[case::a_folder("[a](..)", "")]
    #[case::from_the_root("[a](/docs/page.md)", "")]
    #[case::an_anchor("[a](../README.md#the-api)", "")]
    #[case::an_anchor_on_the_same_page("[a](#here)\n# Here\n", "")]
    #[case::an_address("[a](https://example.org/nothing)", "")]
    #[case::code("`[a](gone.md)`", "")]
    #[case::a_missing_file(
        "[a](gone.md)",
        "docs/page.md:1: `gone.md` leads nowhere: there is no docs/gone.md"
    )]
    #[case::a_missing_picture(
        "\n![a](a.svg)",
        "docs/page.md:2: `a.svg` leads nowhere: there is no docs/a.svg"
    )]
    #[case::a_missing_anchor(
        "[a](../README.md#nothing)",
        "docs/page.md:1: `../README.md#nothing` leads nowhere: README.md has no heading with the anchor `nothing`"
    )]
    #[case::a_reference(
        "[a][b]\n\n[b]: gone.md\n",
        "docs/page.md:1: `gone.md` leads nowhere: there is no docs/gone.md"
    )]
    #[case::outside("[a](../../x.md)", "docs/page.md:1: `../../x.md` leads out of the repository")]
    fn a_link_that_leads_nowhere_is_found(#[case] page: &str, #[case] expected: &str) {
        let found = findings(check, &[("README.md", "# The API\n"), ("docs/page.md", page)]);
        assert_eq!(found.join("\n"), expected);
    }
}
