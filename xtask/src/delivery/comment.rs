//! A plan of Terraform as a part of a pull request's comment: what it comes to in one line, all of it folded away.

use std::fmt::Write as _;

/// GitHub takes 65,536 characters in a comment, which has a part for each environment.
const MOST: usize = 30_000;

/// Markdown of what `terraform plan -no-color` told.
pub(super) fn of_plan(environment: &str, told: &str) -> String {
    let comes_to = told
        .lines()
        .find(|line| ["Plan: ", "No changes.", "Error: "].iter().any(|word| line.contains(word)))
        .map_or("Terraform does not say what it comes to.", |line| line.trim_matches([' ', '│', '╷']));
    let (shown, cut) = head(told);
    let fence = "`".repeat(longest_run(told, '`').max(2) + 1);
    let mut text = format!(
        "### Terraform: {environment}\n\n{comes_to}\n\n<details><summary>The plan</summary>\n\n{fence}text\n{shown}\n{fence}\n"
    );
    if cut > 0 {
        // A string takes whatever is written to it.
        let _written = writeln!(text, "\n{cut} more lines are in the job's log.");
    }
    text + "\n</details>\n\n"
}

/// As many whole lines as fit, and how many don't.
fn head(told: &str) -> (String, usize) {
    let mut shown = String::new();
    let mut lines = told.trim().lines();
    for line in lines.by_ref() {
        if shown.len() + line.len() > MOST {
            return (shown, lines.count() + 1);
        }
        shown.push_str(line);
        shown.push('\n');
    }
    (shown, 0)
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|char| char != wanted).map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::changes(
        "  # aws_vpc.this will be created\nPlan: 1 to add, 0 to change, 0 to destroy.\n",
        "Plan: 1 to add, 0 to change, 0 to destroy."
    )]
    #[case::none(
        "\nNo changes. Your infrastructure matches the configuration.\n",
        "No changes. Your infrastructure matches the configuration."
    )]
    #[case::an_error(
        "╷\n│ Error: No valid credential sources found\n│\n",
        "Error: No valid credential sources found"
    )]
    #[case::nothing("", "Terraform does not say what it comes to.")]
    fn the_first_line_says_what_it_comes_to(#[case] told: &str, #[case] says: &str) {
        let text = of_plan("staging", told);
        assert!(text.starts_with(&format!("### Terraform: staging\n\n{says}\n\n<details>")), "{text}");
    }

    #[test]
    fn a_long_plan_is_cut_at_a_line_and_says_so() {
        let told = "  + something that will be created\n".repeat(2_000);
        let text = of_plan("staging", &told);
        assert!(text.len() < MOST + 300, "{}", text.len());
        let shown = text.matches("will be created\n").count();
        assert!(text.contains(&format!("\n{} more lines are in the job's log.", 2_000 - shown)), "{shown}");
    }

    #[test]
    fn what_a_plan_quotes_does_not_end_its_block() {
        let text = of_plan("staging", "+ description = <<-EOT\n```\n# not a title\n```\nEOT\n");
        assert_eq!(text.matches("\n````").count(), 2, "{text}");
    }
}
