//! The part of a page that a command writes, between two marks; all else on the page is written by hand.

use anyhow::Context as _;

/// Stands before what is made.
pub(crate) const BEGIN: &str = "<!-- From here to the next mark: made by `cargo xtask generate`. -->\n";
/// Stands after it.
pub(crate) const END: &str = "<!-- Until here. -->\n";

/// The page with this between its marks. `name` is what an error calls the page.
pub(crate) fn fill(name: &str, page: &str, content: &str) -> anyhow::Result<String> {
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("{name} has no `{BEGIN}`"))?;
    let (_, after) =
        rest.split_once(END).with_context(|| format!("{name} has no `{END}` after `{BEGIN}`"))?;
    Ok(format!("{before}{BEGIN}\n{content}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        assert_eq!(fill("page.md", &page, "new").unwrap(), format!("a\n{BEGIN}\nnew\n{END}b\n"));
    }

    #[test]
    fn a_page_without_a_mark_is_refused_by_its_name() {
        let wrong = fill("page.md", "a\n", "new").unwrap_err().to_string();
        assert!(wrong.starts_with("page.md has no `<!-- From here"), "{wrong}");
    }
}
