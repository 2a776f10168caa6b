//! `slo backtest`: what would have fired on recorded samples or in a load test, when, and how much budget went.

use std::fs;
use std::path::PathBuf;

use anstream::println;
use comfy_table::{Table, presets};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

use super::{CommandError, Verdict};
use crate::backtest::{self, Episode, LoadTest, Recording, Replay, Samples};
use crate::cli::{Backtest, Definitions};
use crate::numbers::{Span, percent};
use crate::objectives::{Objectives, Slo};

pub(super) fn run(definitions: &Definitions, options: &Backtest) -> Result<Verdict, CommandError> {
    let mut objectives = Objectives { compression: options.compress, ..super::objectives(definitions)? };
    let (file, samples) = samples(options)?;
    let (mut covered, mut others) = (Vec::new(), Vec::new());
    for slo in std::mem::take(&mut objectives.slos) {
        if samples.covers(&slo)? { covered.push(slo) } else { others.push(slo.id) }
    }
    objectives.slos = covered;
    let replay = backtest::replay(&objectives, &samples, &options.promtool)?;
    println!("{file}: {} of samples, {} apart", samples.length(), samples.step());
    println!("\n{}", fired(&replay.episodes));
    println!("\n{}", budgets(&objectives, samples.length(), &replay));
    if !others.is_empty() {
        println!("\nNot in this file, so nothing is known of: {}", others.join(", "));
    }
    Ok(if replay.events.values().any(|(_, total)| *total > 0.0) { Verdict::Pass } else { Verdict::NoData })
}

/// The file's name as the person wrote it, and what is in it.
fn samples(options: &Backtest) -> Result<(String, Samples), CommandError> {
    let path = options.samples.iter().chain(&options.load_test).collect::<PathBuf>();
    let file = path.display().to_string();
    let json = fs::read_to_string(&path)
        .map_err(|source| CommandError::Unreadable { file: file.clone(), source })?;
    let samples = if options.load_test.is_some() {
        LoadTest::read(&json)
            .map(Samples::LoadTest)
            .map_err(|source| CommandError::LoadTest { file: file.clone(), source })?
    } else {
        Recording::read(&json)
            .map(Samples::Recorded)
            .map_err(|source| CommandError::Recording { file: file.clone(), source })?
    };
    Ok((file, samples))
}

/// Which alerts, and when.
fn fired(episodes: &[Episode]) -> String {
    if episodes.is_empty() {
        return "Nothing would have fired.".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["alert", "severity", "windows", "from", "until"]);
    for Episode { labels, from, until } in episodes {
        let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
        let until = until.map_or_else(|| "the end".to_owned(), |until| until.to_string());
        let windows = format!("{} and {}", label("long"), label("short"));
        table.add_row([label("alertname"), label("severity"), windows, from.to_string(), until]);
    }
    table.to_string()
}

/// How much of each budget.
fn budgets(objectives: &Objectives, length: Span, replay: &Replay) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "objective",
        "bad",
        "of",
        "burn rate",
        "budget of the period used",
    ]);
    for slo in &objectives.slos {
        let events = replay.events.get(&slo.id).filter(|(_, total)| *total > 0.0);
        let row = events.and_then(|(bad, total)| used(slo, objectives, length, *bad, *total));
        let [bad, total, rate, share] = row.unwrap_or_else(|| ["", "no events", "", ""].map(str::to_owned));
        table.add_row([slo.id.clone(), bad, total, rate, share]);
    }
    table.to_string()
}

/// If the rest of the period has as many events as this, for its length.
fn used(slo: &Slo, objectives: &Objectives, length: Span, bad: f64, total: f64) -> Option<[String; 4]> {
    let ratio = Decimal::from_f64(bad / total)?;
    let rate = ratio / slo.budget().ratio();
    let period = objectives.compression.of(slo.period.span());
    let share = rate * Decimal::from(length.millis()) / Decimal::from(period.millis());
    let percent = percent(share).round_dp(2);
    Some([
        format!("{bad:.0}"),
        format!("{total:.0}"),
        rate.round_dp(1).normalize().to_string(),
        format!("{percent} % of {}", slo.period.span()),
    ])
}
