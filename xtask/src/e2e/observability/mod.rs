//! The whole stack, live: the real service, prober, Prometheus, Alertmanager and collector with the configuration of
//! `observability/`, hours as minutes. Faults are made, and each alert comes and goes when the objectives' arithmetic says.
//!
//! Owns the order of events; every judgement has its own file.

mod absence;
mod forecast;
mod history;
mod impossible;
mod load_report;
mod pages;
mod questions;
mod timeline;
mod verdict;

use std::time::Duration;

use anyhow::ensure;
use xshell::cmd;

use self::history::Page;
use self::pages::Pages;
use self::timeline::{Kind as Fault, Timeline};
use super::E2e;
use crate::development;
use crate::outcome::Outcome;
use crate::stack::{
    self, Calls, Clients, Http, Kind, Ports, Serving, Setup, Stack, seconds_since_1970 as now,
};
use crate::wait;
use crate::workspace::Workspace;

/// `cargo xtask e2e observability`
pub(crate) const TEST: E2e = E2e {
    name: "observability",
    summary: "with real Prometheus and Alertmanager each fault has the right page come and go at the computed time",
    needs: &["prometheus", "promtool", "prometheus-alertmanager", "otelcol"],
    run,
};

/// An hour is a minute.
const COMPRESSION: u32 = 60;

/// Requests a second, by route: so many that the prober's, which come more slowly while answers are late, weigh nothing.
const RATE: f64 = 80.0;

/// Requests a second of the kinds that are only there to be seen.
const SELDOM: f64 = 1.5;

/// For counters to show their rates, in seconds.
const SAMPLE: f64 = 3.0;

/// Longer than anything that is waited for takes.
const LIMIT: Duration = Duration::from_secs(30);

const SETUP: Setup = Setup {
    features: &["faults"],
    compression: COMPRESSION,
    probe_interval: Duration::from_millis(250),
    ..Setup::real_time(Ports::Free)
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    // Before anybody is watched who would be slower for its build.
    let loadtest = development::load_test(workspace)?;
    let serving = Serving::start(workspace, SETUP)?;
    let clients = serving.call(workspace, &calls())?;
    let (mut stack, begin) = watched(workspace, serving, &clients)?;

    println!("1. what the objectives name is there");
    everything_is_exported(workspace, &stack)?;
    everything_is_there(&stack)?;
    the_gate_is_open(workspace, &stack)?;

    println!("2. faults");
    let mut timeline = Timeline::default();
    let mut pages = Pages::read(workspace)?;
    faults(&stack, &mut timeline, &mut pages)?;
    let end = now();
    verdict::judge(workspace, &stack, &timeline, begin, end)?;
    verdict::tickets_wait_for_pages(&timeline)?;
    let seen = load_report::run(workspace, &loadtest, &stack)?;
    wait::until("the load test's report", LIMIT, || {
        Ok(load_report::has_arrived(&stack.prometheus, &seen)?.then_some(()))
    })?;
    questions::ask(&stack)?;
    impossible::more_is_bad_than_there_was(&stack, &mut timeline, &mut pages)?;

    println!("3. absence");
    absence::the_collector_is_killed(&mut stack, &clients, &mut timeline, &mut pages)?;
    absence::a_target_is_taken_out(&stack, &mut timeline, &mut pages)?;
    absence::the_service_is_killed(&mut stack, &mut timeline)?;
    absence::the_service_is_killed_again_and_again(&mut stack, &mut timeline, &mut pages)?;
    absence::an_idle_hour(&mut stack, clients, &mut timeline)?;
    pages.ask(&stack, &["ProbeDown"])?;
    pages.were_all_asked()?;
    absence::nothing_is_known(&stack)?;
    stack.serving.stop_service()?;
    Ok(Outcome::Passed)
}

fn calls() -> Vec<Calls> {
    let seldom = [Kind::Stranger, Kind::Careless, Kind::Guest, Kind::Odd].map(|kind| Calls::of(kind, SELDOM));
    [Calls::of(Kind::Predict, RATE), Calls::of(Kind::Infer, RATE)].into_iter().chain(seldom).collect()
}

/// Has it watched, as if it had been for three days.
fn watched(workspace: &Workspace, serving: Serving, clients: &Clients) -> anyhow::Result<(Stack, f64)> {
    let addresses = serving.addresses;
    let service = || Http::to(addresses.admin).text("/metrics");
    let prober = || Http::to(addresses.probe).text("/metrics");
    let (begun, sent) = (now(), clients.counts().all());
    let (service_before, prober_before) = (service()?, prober()?);
    wait::until("a sample of the traffic", LIMIT, || Ok((now() > begun + SAMPLE).then_some(())))?;
    let pages = [
        Page {
            job: "inference",
            instance: addresses.admin.to_string(),
            before: service_before,
            after: service()?,
            // As long as so many requests take at the rate that the clients keep: within seconds a busy machine falls
            // behind or catches up.
            between: (clients.counts().all() - sent) / calls().iter().map(|calls| calls.rate).sum::<f64>(),
            begun: clients.begun,
        },
        Page {
            job: "inference-probe",
            instance: addresses.probe.to_string(),
            before: prober_before,
            after: prober()?,
            between: now() - begun,
            begun: serving.prober_begun,
        },
    ];
    let samples = Stack::data(&serving);
    history::write(workspace, &pages, f64::from(COMPRESSION), serving.folder(), &samples)?;
    let stack = Stack::watch(workspace, serving, SETUP, &samples)?;
    stack.is_scraped()?;
    Ok((stack, now()))
}

/// What runs exports everything that the objectives read.
fn everything_is_exported(workspace: &Workspace, stack: &Stack) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    let addresses = stack.serving.addresses;
    let pages =
        [addresses.admin, addresses.probe].map(|address| format!("--metrics=http://{address}/metrics"));
    let said = cmd!(shell, "cargo run --quiet --locked --package slo -- check {pages...}").quiet().read()?;
    println!("    slo check: {}", said.lines().last().unwrap_or_default());
    Ok(())
}

/// Every rule is evaluated without an error, every recorded series has values, and the trace store has spans.
fn everything_is_there(stack: &Stack) -> anyhow::Result<()> {
    let rules = stack.prometheus.rules()?;
    let (alerts, records): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| rule.kind == "alerting");
    wait::until("every recorded series", LIMIT, || {
        for rule in &records {
            let labels: Vec<String> =
                rule.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let series = format!("{}{{{}}}", rule.name, labels.join(","));
            if stack.prometheus.query(&series)?.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })?;
    let failed: Vec<_> =
        stack.prometheus.rules()?.into_iter().filter(|rule| !rule.error.is_empty()).collect();
    ensure!(failed.is_empty(), "rules that cannot be evaluated: {failed:?}");
    wait::until("spans in the trace store", LIMIT, || {
        Ok((!stack.serving.traces.spans()?.is_empty()).then_some(()))
    })?;
    println!(
        "    {} recording rules, all with values; {} alerts; {} targets up",
        records.len(),
        alerts.len(),
        stack::JOBS.len()
    );
    Ok(())
}

/// After three good days there is budget for a delivery; of a canary that nobody deployed nothing is known.
fn the_gate_is_open(workspace: &Workspace, stack: &Stack) -> anyhow::Result<()> {
    const NO_DATA: i32 = 2;
    let (shell, factor) = (workspace.shell()?, COMPRESSION.to_string());
    let prometheus = format!("http://{}", stack.serving.addresses.prometheus);
    let selector = "track=\"canary\"";
    let gate = ["run", "--quiet", "--locked", "--package", "slo", "--", "gate", "--compress", &factor];
    let asked = cmd!(shell, "cargo {gate...} --prometheus {prometheus}").quiet();
    let canary = cmd!(shell, "cargo {gate...} --prometheus {prometheus} --canary {selector}").quiet();
    let said = asked.read()?;
    let code = canary.ignore_status().output()?.status.code();
    ensure!(
        code == Some(NO_DATA),
        "the gate for a canary that is not there ended with {code:?}, not {NO_DATA}"
    );
    println!("    slo gate: {}", said.lines().last().unwrap_or_default());
    Ok(())
}

/// A tenth fails, then all; a tenth is late, then all; all are wrong. The pauses let the last page clear.
///
/// The tenth fails for a short time only: which of the spoilt answers are the prober's is chance, and whether somebody is
/// called for the front door must not be.
fn faults(stack: &Stack, timeline: &mut Timeline, pages: &mut Pages) -> anyhow::Result<()> {
    timeline.look(stack, 6.0)?;
    timeline.fault(stack, Fault::Fail, 0.1, 12.0)?;
    timeline.look(stack, 8.0)?;
    timeline.fault(stack, Fault::Fail, 1.0, 5.0)?;
    pages.ask(stack, &["ApiAvailabilityBurn", "InferAvailabilityBurn", "FrontDoorAvailabilityBurn"])?;
    timeline.look(stack, 32.0)?;
    timeline.fault(stack, Fault::Slow, 0.1, 10.0)?;
    timeline.fault(stack, Fault::Slow, 1.0, 8.0)?;
    pages.ask(stack, &["ApiLatencyBurn", "InferLatencyBurn"])?;
    timeline.look(stack, 7.0)?;
    timeline.fault(stack, Fault::Wrong, 1.0, 3.0)?;
    pages.ask(stack, &["AnswerCorrectnessBurn"])?;
    timeline.look(stack, 33.0)
}
