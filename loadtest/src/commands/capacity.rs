//! `loadtest capacity`: the highest rate at which the objectives are met, for each way of proving who sends.

use std::process::ExitCode;
use std::time::SystemTime;

use anstream::println;

use super::asked::Asked;
use super::progress::Progress;
use super::{CommandError, command, keep, name, only_phase, scenario};
use crate::capacity::{Beyond, Capacity, Configuration, Held, Range, Round, round};
use crate::cli;
use crate::engine::UnderWay;
use crate::machine::Machine;
use crate::scenario::{Credentials, Phase};

pub(super) fn run(options: &cli::Capacity, machine: Machine) -> Result<ExitCode, CommandError> {
    let scenario = scenario(&options.scenario)?;
    let (phase, from) = only_phase(&scenario)?;
    let range = Range { from, ceiling: options.ceiling, step: options.step };
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let all = match options.credentials.as_slice() {
        [] => &[scenario.credentials],
        some => some,
    };
    let mut configurations = Vec::new();
    for credentials in all {
        let asked = Asked::by(&options.against, *credentials, phase.identities(), &scenario.service)?;
        let progress = Progress::of(asked.target());
        let look = |phase: &Phase, under_way: &UnderWay<'_>| progress.show(phase, under_way);
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            rounds.push(round(&scenario, phase, asked.target(), range, &look)?);
            rounds.last().into_iter().for_each(|round| tell(*credentials, round));
        }
        configurations.push(Configuration::of(*credentials, rounds));
    }
    let nothing_held = configurations
        .iter()
        .any(|configuration| configuration.rounds.iter().any(|round| round.held.is_none()));
    if let Some(file) = &options.out {
        let capacity = Capacity {
            command: command(),
            started,
            machine,
            objectives: scenario
                .expectation
                .objectives
                .iter()
                .map(|objective| objective.slo.clone())
                .collect(),
            phase: phase.clone(),
            step: options.step.get(),
            configurations,
        };
        keep(file, &capacity)?;
    }
    Ok(if nothing_held { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn tell(credentials: Credentials, Round { held, beyond }: &Round) {
    let name = name(credentials);
    let held = match held {
        None => "nothing held".to_owned(),
        Some(Held { rate, service: Some(cost), .. }) => {
            format!("{rate}/s held with {:.2} cores", cost.cores())
        }
        Some(Held { rate, service: None, .. }) => format!("{rate}/s held"),
    };
    let beyond = match beyond {
        None => "so did the ceiling".to_owned(),
        Some(Beyond { rate, verdict }) => format!("{rate}/s {}: {}", verdict.outcome.word(), verdict.because),
    };
    println!("{name}: {held}; {beyond}");
}
