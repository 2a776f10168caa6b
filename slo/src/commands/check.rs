//! `slo check`: does what runs export all that the objectives read?

use anstream::println;
use comfy_table::{Table, presets};

use super::{CommandError, Verdict};
use crate::cli::{Check, Definitions};
use crate::exposition::Page;
use crate::{http, needs};

pub(super) fn run(definitions: &Definitions, options: &Check) -> Result<Verdict, CommandError> {
    let objectives = super::objectives(definitions)?;
    let mut page = Page::default();
    for url in &options.metrics {
        let read = Page::read(&http::get(url, &[])?);
        page = page.and(read.map_err(|source| CommandError::Page { url: url.clone(), source })?);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "part", "series", "found"]);
    let (mut met, mut missing) = (0, 0);
    for need in needs::needs(&objectives)? {
        let found = need.met(&page).map_or_else(
            |wrong| {
                missing += 1;
                format!("MISSING: {wrong}")
            },
            |found| {
                met += 1;
                found.to_string()
            },
        );
        table.add_row([need.of.clone(), need.part.to_owned(), need.series.to_string(), found]);
    }
    println!("{table}\n{met} met, {missing} missing");
    Ok(if missing == 0 { Verdict::Pass } else { Verdict::Fail })
}
