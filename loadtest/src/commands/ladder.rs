//! `loadtest ladder`: what each way of proving who sends adds to an answer, all of them asked in turns.

use std::process::ExitCode;
use std::time::SystemTime;

use anstream::println;

use super::progress::Progress;
use super::{CommandError, command, keep, name, only_phase, scenario};
use crate::cli;
use crate::engine;
use crate::ladder::{Added, Interval, Ladder, Rung};
use crate::machine::Machine;
use crate::measurement::Measurement;
use crate::scenario::{Credentials, Phase, Scenario};
use crate::target::Started;
use crate::verdict::{Outcome, judge};

pub(super) fn run(options: &cli::Ladder, machine: Machine) -> Result<ExitCode, CommandError> {
    let scenario = scenario(&options.scenario)?;
    let (phase, rate) = only_phase(&scenario)?;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut runs: Vec<Vec<Measurement>> = options.credentials.iter().map(|_| Vec::new()).collect();
    for turn in 0..options.turns {
        // Each turn begins with another: who is asked first would always find the machine as it was left.
        let mut ways: Vec<_> = options.credentials.iter().zip(&mut runs).collect();
        let first = usize::from(turn) % ways.len();
        ways.rotate_left(first);
        for (credentials, runs) in ways {
            runs.push(one(&scenario, phase, *credentials)?);
        }
        eprintln!("turn {} of {}", turn + 1, options.turns);
    }
    let first = runs.first().map_or(&[][..], Vec::as_slice);
    let rate = f64::from(rate.get());
    let rungs: Vec<_> = options
        .credentials
        .iter()
        .zip(&runs)
        .map(|(credentials, runs)| Rung::of(*credentials, runs, first, rate))
        .collect();
    rungs.iter().enumerate().for_each(|(at, rung)| tell(rung, at == 0));
    if let Some(file) = &options.out {
        keep(
            file,
            &Ladder {
                command: command(),
                started,
                machine,
                phase: phase.clone(),
                turns: options.turns,
                rungs,
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A service of its own each time: two that live at once would take each other's time.
fn one(scenario: &Scenario, phase: &Phase, credentials: Credentials) -> Result<Measurement, CommandError> {
    let started = Started::start(credentials, phase.identities(), &scenario.service)?;
    let progress = Progress::of(started.target());
    let seen = engine::run(scenario, phase, started.target(), &|under_way| progress.show(phase, under_way))?;
    let verdict = judge(&seen.measurement, &scenario.expectation);
    if verdict.outcome == Outcome::Pass {
        Ok(seen.measurement)
    } else {
        Err(CommandError::Rung { credentials: name(credentials), verdict })
    }
}

/// The first is what the others are compared with.
fn tell(rung: &Rung, is_first: bool) {
    let mut line = format!("{:<12}", name(rung.credentials));
    for latency in &rung.latency {
        line += &format!("  p{} {}", latency.quantile * 100.0, words(&latency.ms, "ms", is_first));
    }
    if let Some(processor) = &rung.processor_us {
        line += &format!("  processor {}", words(processor, "µs", is_first));
    }
    println!("{}", line.trim_end());
}

fn words(Added { mean, added, interval }: &Added, unit: &str, is_first: bool) -> String {
    if is_first {
        return format!("{mean:.3} {unit}");
    }
    let interval =
        interval.map_or_else(String::new, |Interval { low, high }| format!(" ({low:+.3} to {high:+.3})"));
    format!("{mean:.3} {unit} {added:+.3}{interval}")
}
