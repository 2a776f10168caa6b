//! `loadtest run`: a scenario from its file to its verdict.

use std::io::{IsTerminal as _, stderr};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::asked::Asked;
use super::{CommandError, keep, progress, scenario};
use crate::cli::Run;
use crate::engine::Seen;
use crate::machine::Machine;
use crate::report::{cost_words, words};
use crate::result::{PhaseResult, RunResult};
use crate::scenario::{Phase, Scenario};
use crate::verdict::judge_phases;
use crate::{engine, payload};

pub(super) fn run(options: &Run) -> Result<ExitCode, CommandError> {
    let scenario = scenario(&options.scenario)?;
    // Before cores are set apart for a service.
    let machine = Machine::look();
    // Held until the last phase is over.
    let asked = Asked::by(&options.against, scenario.credentials, &scenario.service)?;
    let result = all_phases(&scenario, &asked, machine)?;
    drop(asked);
    if let Some(file) = &options.out {
        keep(file, &result)?;
    }
    tell(&result);
    Ok(result.verdict.outcome.exit_code())
}

fn all_phases(scenario: &Scenario, asked: &Asked, machine: Machine) -> Result<RunResult, CommandError> {
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let first = Instant::now();
    let mut phases = Vec::new();
    for phase in &scenario.phases {
        let began_seconds = first.elapsed().as_secs_f64();
        let (seen, restarted_seconds) = one_phase(scenario, phase, asked)?;
        phases.push(PhaseResult {
            phase: phase.clone(),
            began_seconds,
            flags: seen.flags,
            measurement: seen.measurement,
            seconds: seen.seconds,
            slow_clients: seen.slow_clients,
            restarted_seconds,
        });
    }
    Ok(RunResult {
        run_id: format!("{}-{started}", scenario.name),
        scenario: scenario.name.clone(),
        shows: scenario.shows.clone(),
        started,
        machine,
        credentials: scenario.credentials,
        service: scenario.service.clone(),
        payload_sha256: payload::sha256(&bodies(scenario)?),
        verdict: judge_phases(&phases, &scenario.expectation),
        phases,
    })
}

/// What was seen, and when the last instance was back where they were restarted meanwhile.
fn one_phase(scenario: &Scenario, phase: &Phase, asked: &Asked) -> Result<(Seen, Option<f64>), CommandError> {
    thread::scope(|scope| {
        let restarts = asked.started().filter(|_| phase.restarts).map(|started| {
            scope.spawn(move || {
                let begun = Instant::now();
                thread::sleep(Duration::from_secs_f64(phase.warm_up_seconds));
                started.restart_in_turn().map(|()| begun.elapsed().as_secs_f64())
            })
        });
        let seen = engine::run(scenario, phase, asked.target(), &|since| progress(phase, since))?;
        let restarted = restarts.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok((seen, restarted.transpose()?))
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
    let seconds = result.phases.iter().map(|phase| phase.phase.seconds).sum();
    println!("  service: {}", cost_words(&measured, seconds));
    for quantile in measured.latency.quantiles() {
        println!("  {}", words(&quantile));
    }
}
