//! A result as a person reads it: Markdown, or one page of HTML that needs nothing else. Must never say anything that is
//! not in the result.

mod history;
mod plot;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use pulldown_cmark::{Event, Options, Parser, html};

pub use self::history::history;
pub use self::plot::PlotError;
use self::plot::{Line, Plot};
use crate::engine::{Cost, Second, SlowSeen};
use crate::latency::{Quantile, count};
use crate::machine::Machine;
use crate::measurement::Measurement;
use crate::result::{PhaseResult, RunResult};
use crate::scenario::{Quota, Service};
use crate::verdict::{Outcome, steady};

/// How a page looks.
const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:left}svg{width:100%;height:auto}";

impl Outcome {
    /// In capitals, as the verdict's sentence begins.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
        }
    }
}

/// A quantile and its interval, in words.
#[must_use]
pub fn words(quantile: &Quantile) -> String {
    let Quantile { quantile, value, low, high } = quantile;
    format!(
        "p{} {} (95 % sure: {} to {})",
        quantile * 100.0,
        milliseconds(*value),
        milliseconds(*low),
        milliseconds(*high)
    )
}

/// What the service took while it was asked for so many seconds, in words.
#[must_use]
pub fn cost_words(measured: &Measurement, seconds: f64) -> String {
    let Some(cost) = measured.service else { return "not measured".to_owned() };
    format!(
        "{:.2} cores, {:.0} µs of processor an answer, {:.1} MiB resident at most",
        cost.cores(),
        cost.cores() * seconds * 1e6 / count(measured.answers().max(1)),
        mebibytes(&cost)
    )
}

/// The result as Markdown.
#[must_use]
pub fn markdown(result: &RunResult) -> String {
    let verdict = &result.verdict;
    let mut text = format!("# {}: {}\n\n{}\n\n", result.scenario, verdict.outcome.word(), verdict.because);
    for besides in &verdict.besides {
        text += &format!("- {besides}\n");
    }
    let machine = &result.machine;
    text += &format!(
        "\n{}\n\n| run | |\n|---|---|\n| started | {} |\n| commit | {} |\n| harness | {} build |\n\
         | machine | {} × {}, Linux {} |\n{}| bodies | {} |\n{}",
        result.shows,
        result.started,
        machine.commit,
        machine.build_profile,
        machine.cores,
        machine.cpu,
        machine.kernel,
        others_row(&result.other_machines),
        result.payload_sha256,
        service_row(&result.service)
    );
    result.phases.iter().fold(text, |text, phase| text + &phase_markdown(phase))
}

/// Where the other shares were sent from, if there are some.
fn others_row(others: &[Machine]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let mut of_a_kind = BTreeMap::new();
    for Machine { cores, cpu, kernel, .. } in others {
        *of_a_kind.entry(format!("{cores} × {cpu}, Linux {kernel}")).or_insert(0_u32) += 1;
    }
    let all: Vec<_> = of_a_kind.iter().map(|(kind, times)| format!("{times} of {kind}")).collect();
    format!("| other machines | {} |\n", all.join("; "))
}

/// How the service differed from one that ships, if it did.
fn service_row(service: &Service) -> String {
    if service.is_as_shipped() {
        return String::new();
    }
    let longer = service.answers_take_ms.map(|by| format!("each answer takes {by} ms longer"));
    let instances =
        (service.instances > 1).then(|| format!("{} instances behind a balancer", service.instances));
    let quota =
        service.quota.map(|Quota { rate, burst }| format!("each client may ask {rate}/s, {burst} at once"));
    let all: Vec<_> = instances
        .into_iter()
        .chain(quota)
        .chain(service.options.iter().map(|option| format!("`{option}`")))
        .chain(longer)
        .collect();
    format!("| service started with | {} |\n", all.join(", "))
}

fn phase_markdown(result: &PhaseResult) -> String {
    let PhaseResult { phase, measurement, flags, .. } = result;
    let load = phase.rate.map_or_else(|| "closed load".to_owned(), |rate| format!("open load of {rate}/s"));
    let clients = phase.identities.map_or_else(String::new, |clients| format!(" of {clients} clients"));
    let mut text = format!(
        "\n## {}\n\n{load}{clients} on {} connections for {} s, after {} s that do not count.\n\n| | |\n|---|---|\n\
         | due | {} |\n| sent | {} |\n| answered | {} |\n| compared | {} |\n| generator | {:.0} % busy |\n| service | {} |\n",
        phase.name,
        phase.connections,
        phase.seconds,
        phase.warm_up_seconds,
        measurement.offered,
        measurement.sent(),
        measurement.answers(),
        measurement.checks.right + measurement.checks.wrong,
        measurement.generator.busy() * 100.0,
        cost_words(measurement, phase.seconds),
    );
    let mut row = |name: &str, value: String| text += &format!("| {name} | {value} |\n");
    for (status, answers) in &measurement.statuses {
        row(&format!("status {status}"), answers.to_string());
    }
    for (reason, requests) in &measurement.failures {
        row(reason, requests.to_string());
    }
    for (slo, events) in &measurement.objectives {
        row(slo, format!("{} bad of {}", events.bad, events.total));
    }
    row("good", format!("{:.0}/s", result.goodput()));
    if let Some(SlowSeen { opened, ended, longest_seconds, .. }) = result.slow_clients {
        row(
            "slow clients",
            format!("{opened} connections, {ended} ended by the service, none after {longest_seconds:.1} s"),
        );
    }
    if let Some(neighbour) = &result.neighbour {
        row("neighbour", neighbour_words(neighbour, phase.seconds));
    }
    if let Some(seconds) = result.restarted_seconds {
        row("each instance restarted", format!("after {seconds:.1} s"));
    }
    for (what, trend) in
        [("memory grew by", result.memory_trend()), ("p99 of a second grew by", result.p99_trend())]
    {
        trend.iter().for_each(|trend| row(what, steady::words(trend)));
    }
    for quantile in measurement.latency.quantiles() {
        row("latency", words(&quantile));
    }
    for quantile in measurement.refusals.quantiles() {
        row("latency of refusals", words(&quantile));
    }
    text + &format!("\n`oha {}`\n", flags.join(" "))
}

/// What another client got that asked for more than its quota.
fn neighbour_words(measured: &Measurement, seconds: f64) -> String {
    let a_second = |requests: u64| count(requests) / seconds;
    let slowest = measured.refusals.quantile(0.99).map(|quantile| milliseconds(quantile.value));
    format!(
        "asked {:.0}/s, answered {:.0}/s, refused {:.0}/s{}",
        a_second(measured.offered),
        a_second(measured.good()),
        a_second(measured.refusals.requests()),
        slowest.map_or_else(String::new, |slowest| format!(", 99 of 100 within {slowest}")),
    )
}

/// The plots of the result as one picture.
///
/// # Errors
///
/// When they can't be drawn.
pub fn picture(result: &RunResult) -> Result<String, PlotError> {
    plot::svg(&result.phases.iter().flat_map(plots).collect::<Vec<_>>())
}

/// The result as one page of HTML.
///
/// # Errors
///
/// When a plot can't be drawn.
pub fn page(result: &RunResult) -> Result<String, PlotError> {
    let text = markdown(result);
    // What a target answered is in the text: it is shown, never run.
    let events = Parser::new_ext(&text, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    for phase in &result.phases {
        body += &plot::svg(&plots(phase))?;
    }
    let mut page = String::new();
    let title = format!("{} {}", result.scenario, result.started);
    // Writing into a text does not fail.
    let _written = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\n{body}</html>\n"
    );
    Ok(page)
}

fn plots(PhaseResult { phase, measurement, seconds, .. }: &PhaseResult) -> Vec<Plot> {
    let over_time = |value: fn(&Second) -> Option<f64>| -> Vec<(f64, f64)> {
        (0_u32..).zip(seconds).filter_map(|(at, second)| Some((f64::from(at), value(second)?))).collect()
    };
    let spectrum = (1_u32..=24).filter_map(|step| {
        let nines = f64::from(step) / 4.0;
        let quantile = measurement.latency.quantile(1.0 - 10_f64.powf(-nines))?;
        Some((nines, quantile.value?.as_secs_f64() * 1e3))
    });
    let mut delivery = vec![
        Line { name: "answered", points: over_time(|second| Some(count(second.answers))) },
        Line { name: "of them errors", points: over_time(|second| Some(count(second.errors))) },
    ];
    if let Some(rate) = phase.rate {
        let due = [(0.0, f64::from(rate)), (phase.seconds, f64::from(rate))];
        delivery.push(Line { name: "due", points: due.to_vec() });
    }
    let mut plots = vec![
        Plot {
            title: format!("{}: latency over time", phase.name),
            x: "seconds",
            y: "milliseconds",
            lines: vec![
                Line { name: "p50", points: over_time(|second| second.p50_ms) },
                Line { name: "p99", points: over_time(|second| second.p99_ms) },
            ],
        },
        Plot {
            title: format!("{}: offered and delivered", phase.name),
            x: "seconds",
            y: "requests a second",
            lines: delivery,
        },
        Plot {
            title: format!("{}: percentile spectrum", phase.name),
            x: "nines (2 is p99, 3 is p99.9)",
            y: "milliseconds",
            lines: vec![Line { name: "latency", points: spectrum.collect() }],
        },
    ];
    if measurement.service.is_some() {
        plots.push(Plot {
            title: format!("{}: the service's processor", phase.name),
            x: "seconds",
            y: "cores",
            lines: vec![Line { name: "used", points: over_time(|second| Some(second.service?.cores())) }],
        });
        plots.push(Plot {
            title: format!("{}: the service's memory", phase.name),
            x: "seconds",
            y: "MiB",
            lines: vec![Line {
                name: "resident",
                points: over_time(|second| Some(mebibytes(&second.service?))),
            }],
        });
    }
    plots
}

fn mebibytes(cost: &Cost) -> f64 {
    count(cost.resident_bytes) / f64::from(1 << 20)
}

fn milliseconds(value: Option<Duration>) -> String {
    value.map_or_else(|| "no answer".to_owned(), |value| format!("{:.2} ms", value.as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests;
