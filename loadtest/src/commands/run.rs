//! `loadtest run`: a scenario from its file to its verdict.

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use super::{CommandError, read};
use crate::cli::Run;
use crate::machine::Machine;
use crate::objectives::Objectives;
use crate::report::words;
use crate::result::{PhaseResult, RunResult, together};
use crate::scenario::{Credentials, Phase, Scenario};
use crate::target::{Started, Target};
use crate::verdict::judge;
use crate::{engine, payload};

/// The alerts' own thresholds, as they were when the harness was built.
const OBJECTIVES: &str = include_str!("../../objectives.json");

pub(super) fn run(options: &Run) -> Result<ExitCode, CommandError> {
    let scenario = scenario(options)?;
    // Held until the last phase is over.
    let started = if options.target.is_none() { Some(Started::start()?) } else { None };
    let target = target(options, &scenario, started.as_ref())?;
    let result = all_phases(&scenario, &target)?;
    drop(started);
    if let Some(file) = &options.out {
        let json = serde_json::to_string_pretty(&result)
            .map_err(|source| CommandError::Json { what: file.display().to_string(), source })?;
        fs::write(file, json + "\n")
            .map_err(|source| CommandError::Unwritable { file: file.display().to_string(), source })?;
    }
    tell(&result);
    Ok(result.verdict.outcome.exit_code())
}

fn scenario(options: &Run) -> Result<Scenario, CommandError> {
    let objectives = Objectives::read(OBJECTIVES)
        .map_err(|source| CommandError::Json { what: "loadtest/objectives.json".to_owned(), source })?;
    let text = read(&options.scenario)?;
    Ok(Scenario::read(&options.scenario.display().to_string(), &text, &objectives)?)
}

fn target(options: &Run, scenario: &Scenario, started: Option<&Started>) -> Result<Target, CommandError> {
    let target = match (started, &options.target) {
        (Some(started), _) => started.target().clone(),
        (None, url) => {
            let token = options.token_file.as_deref().map(read).transpose()?;
            Target::new(url.as_deref().unwrap_or_default(), token.as_deref())
        }
    };
    match scenario.credentials {
        Credentials::None => Ok(target.without_credentials()),
        Credentials::Bearer if target.has_token() => Ok(target),
        Credentials::Bearer => Err(CommandError::NoToken(scenario.name.clone())),
    }
}

fn all_phases(scenario: &Scenario, target: &Target) -> Result<RunResult, CommandError> {
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut phases = Vec::new();
    for phase in &scenario.phases {
        let seen = engine::run(scenario, phase, target, &|since| progress(phase, since))?;
        phases.push(PhaseResult {
            phase: phase.clone(),
            flags: seen.flags,
            measurement: seen.measurement,
            seconds: seen.seconds,
        });
    }
    Ok(RunResult {
        run_id: format!("{}-{started}", scenario.name),
        scenario: scenario.name.clone(),
        shows: scenario.shows.clone(),
        started,
        machine: Machine::look(),
        credentials: scenario.credentials,
        payload_sha256: payload::sha256(&bodies(scenario)?),
        verdict: judge(&together(&phases), &scenario.expectation),
        phases,
    })
}

/// All that is sent, each phase's bodies after those of the phase before; what is sent again is not told again.
fn bodies(scenario: &Scenario) -> Result<String, CommandError> {
    let mut bodies: Vec<String> = Vec::new();
    for phase in &scenario.phases {
        let rows = phase
            .route
            .rows(&scenario.body_field)
            .map_err(|source| CommandError::Json { what: "the golden answers".to_owned(), source })?;
        let lines = payload::lines(&rows);
        if !bodies.contains(&lines) {
            bodies.push(lines);
        }
    }
    Ok(bodies.concat())
}

/// How far it is, for a person who watches; nothing for a machine.
fn progress(phase: &Phase, since: Duration) {
    if !stderr().is_terminal() {
        return;
    }
    let all = phase.warm_up_seconds + phase.seconds;
    let load = phase.rate.map_or_else(|| "closed".to_owned(), |rate| format!("{rate}/s"));
    // A terminal that is gone does not end a run.
    let _gone = write!(
        stderr(),
        "\r{}: {load} on {} connections, {:.0} s of {all:.0} s ",
        phase.name,
        phase.connections,
        since.as_secs_f64().min(all)
    );
}

/// The verdict's sentence on standard output; what it rests on below.
fn tell(result: &RunResult) {
    if stderr().is_terminal() {
        eprintln!();
    }
    let verdict = &result.verdict;
    println!("{} {}: {}", verdict.outcome.word(), result.scenario, verdict.because);
    for besides in &verdict.besides {
        println!("  besides: {besides}");
    }
    let measured = result.measurement();
    println!(
        "  {} due, {} sent, {} answered; {} compared; generator {:.0} % busy",
        measured.offered,
        measured.sent(),
        measured.answers(),
        measured.checks.right + measured.checks.wrong,
        measured.generator.busy() * 100.0
    );
    for quantile in measured.latency.quantiles() {
        println!("  {}", words(&quantile));
    }
}
