//! `slo explain`: an objective and its alerts in plain words, and what would fire when.

use std::fmt::Write as _;
use std::path::Path;

use anstream::println;
use comfy_table::{Table, presets};
use plotters::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use textplots::{Chart, Plot as _, Shape};

use super::{CommandError, Verdict};
use crate::cli::{Definitions, Explain};
use crate::forecast::{self, Forecast};
use crate::numbers::{BurnRate, Span, percent};
use crate::objectives::Slo;

/// How far above its threshold a window is drawn.
const TOP: f32 = 2.0;

pub(super) fn run(definitions: &Definitions, options: &Explain) -> Result<Verdict, CommandError> {
    let objectives = super::objectives(definitions)?;
    let is_asked = |slo: &&Slo| slo.id == options.name || slo.alert() == options.name;
    let slo = objectives.slos.iter().find(is_asked);
    let slo = slo.ok_or_else(|| CommandError::NothingToExplain {
        name: options.name.clone(),
        known: objectives.slos.iter().map(|slo| format!("{} ({})", slo.id, slo.alert())).collect(),
    })?;
    let ratio = options.error_ratio;
    let forecasts = forecast::forecasts(slo, ratio);
    println!("{}", words(slo, ratio));
    println!("{}\n", table(slo, ratio, &forecasts));
    println!(
        "Each line is the long window of a pair as a part of its threshold; beyond 1 it fires. Minutes:"
    );
    println!("{}", text_plot(ratio, &forecasts));
    println!("What to do: {}", objectives.runbook(&slo.alert()));
    if let Some(path) = &options.svg {
        svg_plot(path, slo, ratio, &forecasts)
            .map_err(|reason| CommandError::Plot { file: path.display().to_string(), reason })?;
    }
    Ok(Verdict::Pass)
}

/// What it is about, and what this share of bad events does to it.
fn words(slo: &Slo, ratio: Decimal) -> String {
    let (budget, period) = (slo.budget().ratio(), slo.period.span());
    let mut text = format!(
        "{} ({}): {} % of events of {period} have to be good.\nWhen it is missed: {}\n\n",
        slo.title, slo.id, slo.objective, slo.notices
    );
    let percent = percent(ratio);
    let times = (ratio / budget).round_dp(1).normalize();
    let gone = BurnRate::spending(ratio / budget, period, period).exhausts_in(period);
    let lasts =
        if ratio > budget { format!("all of it is gone after {gone}") } else { "it lasts".to_owned() };
    // Writing to a text can't fail.
    let _written = writeln!(
        text,
        "While {percent} % of events are bad, the budget goes {times} times as fast as it may: {lasts}.\n\
         After a clean history, with at least {} bad events in the long window:",
        slo.least_bad_events
    );
    text
}

fn table(slo: &Slo, ratio: Decimal, forecasts: &[Forecast]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "severity",
        "windows",
        "bad beyond",
        "fires after",
        "budget gone by then",
        "clears after the end",
    ]);
    let never = || "never".to_owned();
    for Forecast { tier, threshold, fires, clears, .. } in forecasts {
        let gone = fires.map(|fires| {
            let share = ratio / slo.budget().ratio() * fires.seconds() / slo.period.span().seconds();
            format!("{} %", percent(share).round_dp(1))
        });
        table.add_row([
            tier.severity.to_string(),
            format!("{} and {}", tier.long, tier.short),
            format!("{} %", percent(*threshold)),
            fires.map_or_else(never, |span| rough(span).to_string()),
            gone.unwrap_or_default(),
            clears.map_or_else(String::new, |span| rough(span).to_string()),
        ]);
    }
    table
}

/// To the second.
const fn rough(span: Span) -> Span {
    Span::from_secs(span.millis() / 1000)
}

/// As long as the last alert needs and a little more; where none fires, the longest window.
fn minutes(forecasts: &[Forecast]) -> f32 {
    let last = forecasts.iter().filter_map(|forecast| forecast.fires).max();
    let longest = forecasts.iter().map(|forecast| forecast.tier.long).max();
    let end = last.or(longest).map_or(Decimal::ONE, Span::seconds) / Decimal::from(60);
    end.to_f32().unwrap_or(1.0) * 1.25
}

fn reached(forecast: &Forecast, ratio: Decimal, minute: f32) -> f32 {
    let after = std::time::Duration::try_from_secs_f32(minute.max(0.0) * 60.0).unwrap_or_default();
    forecast.reached(ratio, Span::from_millis(u64::try_from(after.as_millis()).unwrap_or(u64::MAX))).min(TOP)
}

fn text_plot(ratio: Decimal, forecasts: &[Forecast]) -> String {
    let lines: Vec<_> =
        forecasts.iter().map(|forecast| move |minute: f32| reached(forecast, ratio, minute)).collect();
    let shapes: Vec<_> = lines.iter().map(|line| Shape::Continuous(Box::new(line))).collect();
    let threshold = Shape::Continuous(Box::new(|_minute| 1.0));
    let mut chart = Chart::new_with_y_range(140, 48, 0.0, minutes(forecasts), 0.0, TOP);
    let mut drawn = chart.lineplot(&threshold);
    for shape in &shapes {
        drawn = drawn.lineplot(shape);
    }
    drawn.axis();
    drawn.figures();
    drawn.to_string()
}

fn svg_plot(path: &Path, slo: &Slo, ratio: Decimal, forecasts: &[Forecast]) -> Result<(), String> {
    const COLOURS: [RGBColor; 4] = [
        RGBColor(0xB0, 0x00, 0x20),
        RGBColor(0xE0, 0x7B, 0x00),
        RGBColor(0x00, 0x66, 0xB3),
        RGBColor(0x4A, 0x4A, 0x4A),
    ];
    let wrong = |error: DrawingAreaErrorKind<_>| error.to_string();
    let area = SVGBackend::new(path, (960, 480)).into_drawing_area();
    area.fill(&WHITE).map_err(wrong)?;
    let end = minutes(forecasts);
    let percent = percent(ratio);
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{}: {percent} % of events bad", slo.title), ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..end, 0.0..TOP)
        .map_err(wrong)?;
    chart
        .configure_mesh()
        .x_desc("minutes since the fault began")
        .y_desc("part of the threshold reached; beyond 1 it fires")
        .draw()
        .map_err(wrong)?;
    for (forecast, colour) in forecasts.iter().zip(COLOURS.iter().cycle()) {
        let points = (0..=480_u16).map(|at| f32::from(at) * end / 480.0);
        let line =
            LineSeries::new(points.map(|at| (at, reached(forecast, ratio, at))), colour.stroke_width(2));
        let tier = forecast.tier;
        chart
            .draw_series(line)
            .map_err(wrong)?
            .label(format!("{}, {} and {}", tier.severity, tier.long, tier.short))
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart.draw_series(LineSeries::new([(0.0, 1.0), (end, 1.0)], BLACK)).map_err(wrong)?;
    let labels = SeriesLabelPosition::LowerRight; // the lines have left from there
    chart
        .configure_series_labels()
        .position(labels)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .map_err(wrong)?;
    area.present().map_err(wrong)
}
