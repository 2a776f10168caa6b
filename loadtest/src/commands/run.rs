//! `loadtest run`: a scenario from its file to its verdict.

use std::io::{IsTerminal as _, stderr};
use std::panic::resume_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anstream::println;

use super::asked::Asked;
use super::progress::Progress;
use super::{CommandError, STANDARD_OUTPUT, keep, scenario};
use crate::cli::Run;
use crate::engine::{Second, Seen};
use crate::machine::Machine;
use crate::otlp::{Labels, Reporter};
use crate::report::{cost_words, words};
use crate::result::{PhaseResult, RunResult};
use crate::scenario::{Phase, Scenario};
use crate::share::Share;
use crate::verdict::{Verdict, judge_phases};
use crate::{engine, payload};

pub(super) fn run(options: &Run, machine: Machine) -> Result<ExitCode, CommandError> {
    let mut scenario = scenario(&options.scenario)?;
    let share = options.share.zip(options.begin_at);
    if let Some((part, _)) = share {
        scenario = part.of(&scenario)?;
    }
    // Held until the last phase is over.
    let asked = Asked::by(&options.against, scenario.credentials, scenario.identities(), &scenario.service)?;
    let first = share.map_or(Ok(Instant::now()), |(_, begin_at)| wait_until(begin_at))?;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let index = share.map_or_else(String::new, |(part, _)| format!("-{}", part.index));
    let labels = Labels {
        run_id: format!("{}-{started}{index}", scenario.name),
        scenario: scenario.name.clone(),
        commit: machine.commit.clone(),
    };
    let mut reporter = options.otlp_endpoint.as_deref().map(|endpoint| Reporter::to(endpoint, &labels));
    let phases = all_phases(&scenario, &asked, first, reporter.as_mut())?;
    drop(asked);
    let mut result = RunResult {
        run_id: labels.run_id,
        scenario: labels.scenario,
        shows: scenario.shows.clone(),
        started,
        machine,
        share: None,
        other_machines: Vec::new(),
        credentials: scenario.credentials,
        service: scenario.service.clone(),
        payload_sha256: payload::sha256(&bodies(&scenario)?),
        verdict: judge_phases(&phases, &scenario.expectation),
        phases,
    };
    let Some((part, begin_at)) = share else {
        leave(&result, options.out.as_deref())?;
        return Ok(result.verdict.outcome.exit_code());
    };
    result.share = Some(Share { part, begin_at: humantime::format_rfc3339(begin_at).to_string() });
    result.verdict = Verdict::of_share(part);
    leave(&result, options.out.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the result into its file, if there is one, and the verdict for a person, if nothing else is to be written.
pub(super) fn leave(result: &RunResult, out: Option<&Path>) -> Result<(), CommandError> {
    if let Some(file) = out {
        keep(file, result)?;
    }
    if out != Some(Path::new(STANDARD_OUTPUT)) {
        tell(result);
    }
    Ok(())
}

/// By this machine's clock.
fn wait_until(begin_at: SystemTime) -> Result<Instant, CommandError> {
    let ahead = begin_at.duration_since(SystemTime::now());
    let ahead = ahead.map_err(|late| CommandError::Late(late.duration()))?;
    let begin = Instant::now() + ahead;
    thread::sleep(ahead);
    Ok(begin)
}

/// Times count from `first`.
fn all_phases(
    scenario: &Scenario,
    asked: &Asked,
    first: Instant,
    mut reporter: Option<&mut Reporter>,
) -> Result<Vec<PhaseResult>, CommandError> {
    let mut phases = Vec::new();
    for phase in &scenario.phases {
        let began_seconds = first.elapsed().as_secs_f64();
        let counts_from = SystemTime::now() + Duration::from_secs_f64(phase.warm_up_seconds);
        let (seen, restarted_seconds) = one_phase(scenario, phase, asked)?;
        if let Some(reporter) = &mut reporter {
            let told = reporter.tell(counts_from, &seen, &scenario.expectation.allowed(phase));
            told.unwrap_or_else(|error| eprintln!("{error}"));
        }
        phases.push(PhaseResult {
            phase: phase.clone(),
            began_seconds,
            flags: seen.flags,
            measurement: seen.measurement,
            seconds: seen.seconds.into_iter().map(Second::from).collect(),
            slow_clients: seen.slow_clients,
            restarted_seconds,
            neighbour: seen.neighbour,
        });
    }
    Ok(phases)
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
        let progress = Progress::of(asked.target());
        let seen =
            engine::run(scenario, phase, asked.target(), &|under_way| progress.show(phase, under_way))?;
        let restarted = restarts.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok((seen, restarted.transpose()?))
    })
}

/// All that is sent, each phase's bodies after those of the phase before; what is sent again is not told again.
fn bodies(scenario: &Scenario) -> Result<String, CommandError> {
    let mut bodies: Vec<String> = Vec::new();
    for phase in &scenario.phases {
        let rows = scenario
            .rows(phase.route)
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
