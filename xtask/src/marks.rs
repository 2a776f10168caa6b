//! The part of a page, or of a file of values, that a command writes, between two marks; all else is written by hand.

use std::path::Path;

use anyhow::Context as _;

/// Stands before what is made.
const BEGIN: &str = "From here to the next mark: made by `cargo xtask generate`.";
/// Stands after it.
const END: &str = "Until here.";

/// The file with this between its marks, which are comments of its kind: YAML's, or else HTML's. `name` is what an error calls
/// the file.
pub(crate) fn fill(name: &str, page: &str, content: &str) -> anyhow::Result<String> {
    let [begin, end] = of(name);
    let (before, rest) = page.split_once(&begin).with_context(|| format!("{name} has no `{begin}`"))?;
    let (_, after) =
        rest.split_once(&end).with_context(|| format!("{name} has no `{end}` after `{begin}`"))?;
    Ok(format!("{before}{begin}\n{content}\n{end}{after}"))
}

/// The marks of a file with that name.
pub(crate) fn of(name: &str) -> [String; 2] {
    let is_yaml = Path::new(name).extension().is_some_and(|extension| extension == "yaml");
    let comment = |text| if is_yaml { format!("# {text}\n") } else { format!("<!-- {text} -->\n") };
    [BEGIN, END].map(comment)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_page(
        "page.md",
        "<!-- From here to the next mark: made by `cargo xtask generate`. -->\n",
        "<!-- Until here. -->\n"
    )]
    #[case::values(
        "values.yaml",
        "# From here to the next mark: made by `cargo xtask generate`.\n",
        "# Until here.\n"
    )]
    fn only_what_is_between_the_marks_changes(#[case] name: &str, #[case] begin: &str, #[case] end: &str) {
        let page = format!("a\n{begin}old\n{end}b\n");
        assert_eq!(fill(name, &page, "new").unwrap(), format!("a\n{begin}\nnew\n{end}b\n"));
    }

    #[test]
    fn a_page_without_a_mark_is_refused_by_its_name() {
        let wrong = fill("page.md", "a\n", "new").unwrap_err().to_string();
        assert!(wrong.starts_with("page.md has no `<!-- From here"), "{wrong}");
    }
}
