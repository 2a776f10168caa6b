//! An objective of which the two selectors don't select the same requests: its numbers can't be true, and that is a ticket.

use std::fs;

use anyhow::Context as _;

use super::pages::Pages;
use super::timeline::Timeline;
use crate::stack::Stack;

/// JSON is YAML. What a total that leaves out every second request comes to.
const RULES: &str = r#"{"groups": [{"name": "impossible", "rules": [
  {"record": "slo:bad:increase5m", "expr": "vector(100)", "labels": {"service": "inference", "slo": "impossible"}},
  {"record": "slo:total:increase5m", "expr": "vector(50)", "labels": {"service": "inference", "slo": "impossible"}}
]}]}"#;

/// Delivers such an objective, and asks what the page of its alert asks.
pub(super) fn more_is_bad_than_there_was(
    stack: &Stack,
    timeline: &mut Timeline,
    pages: &mut Pages,
) -> anyhow::Result<()> {
    let file = stack.configuration.path("prometheus/rules/impossible.yaml");
    fs::write(&file, RULES).with_context(|| file.display().to_string())?;
    stack.prometheus.reload()?;
    let took = timeline.look_for(stack, "SloImpossible", true)?;
    pages.ask(stack, &["SloImpossible"])?;
    fs::remove_file(&file)?;
    stack.prometheus.reload()?;
    timeline.look_for(stack, "SloImpossible", false)?;
    println!("    SloImpossible came after {took:.1} s");
    Ok(())
}
