//! `slo runbooks`: has every alert a page that helps, and what do the pages ask?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anstream::println;

use super::{CommandError, Verdict};
use crate::catalogue::Known;
use crate::cli::{Definitions, Runbooks};
use crate::rules;
use crate::runbook::{self, Page};

/// Where the pages are.
const FOLDER: &str = "runbooks";

pub(super) fn run(definitions: &Definitions, options: &Runbooks) -> Result<Verdict, CommandError> {
    let objectives = super::objectives(definitions)?;
    let rules = rules::rules(&objectives)?;
    let known = Known::of(&super::programs(definitions)?).measured_by(&objectives).and(&rules);
    let alerts: BTreeSet<&str> = rules.alerts().into_keys().collect();
    let pages = pages(definitions)?;

    let faults = runbook::faults(&alerts, &pages, &known);
    for fault in &faults {
        eprintln!("{FOLDER}/{fault}");
    }
    if options.json {
        let blocks: BTreeMap<_, _> = pages.iter().map(|(file, page)| (file, page.blocks())).collect();
        println!("{}", serde_json::json!(blocks));
    } else {
        let questions: usize = pages.values().map(|page| page.questions().len()).sum();
        println!(
            "{} alerts, {} pages, {questions} questions, {} faults",
            alerts.len(),
            pages.len(),
            faults.len()
        );
    }
    Ok(if faults.is_empty() { Verdict::Pass } else { Verdict::Fail })
}

/// The pages by file name.
fn pages(definitions: &Definitions) -> Result<BTreeMap<String, Page>, CommandError> {
    let unreadable = |source| CommandError::Unreadable { file: FOLDER.to_owned(), source };
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(definitions.root.join(FOLDER)).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            let text = super::read(definitions, &format!("{FOLDER}/{name}"))?;
            pages.insert(name, Page::read(&text));
        }
    }
    Ok(pages)
}
