//! `slo mutants`: changes each generated rule in each way and says which changes no generated test noticed.

use std::path::Path;
use std::sync::Mutex;
use std::thread;

use anstream::println;

use super::{CommandError, Verdict};
use crate::cli::{Definitions, Mutants};
use crate::mutants::{self, Fate, Mutant, Subject, Survivors, Trial, TrialError};

/// The survivors that have a reason.
const SURVIVORS: &str = "slo/survivors.yaml";

pub(super) fn run(definitions: &Definitions, options: &Mutants) -> Result<Verdict, CommandError> {
    let mut subjects = mutants::subjects(&super::objectives(definitions)?)?;
    for subject in &mut subjects {
        subject.sample(options.one_in);
    }
    let survivors = Survivors::read(&super::read(definitions, SURVIVORS)?)?;
    let chosen: Vec<&Subject> = subjects.iter().filter(|subject| is_chosen(subject, &options.only)).collect();
    let survived = tried(&chosen, &survivors, &options.promtool)?;

    let unexplained: Vec<_> = survived.iter().filter(|mutant| survivors.reason(mutant).is_none()).collect();
    let everything = options.only.is_empty() && options.one_in.get() == 1;
    let idle = if everything { survivors.idle(&survived) } else { Vec::new() };
    for reason in &idle {
        println!("{SURVIVORS}: nothing survived that is explained by: {}: {}", reason.rule, reason.change);
    }
    let all: usize = chosen.iter().map(|subject| subject.mutants.len()).sum();
    println!(
        "{all} changes of {} rule files: {} noticed, {} not, of which {} are explained in {SURVIVORS}",
        chosen.len(),
        all - survived.len(),
        survived.len(),
        survived.len() - unexplained.len(),
    );
    Ok(if unexplained.is_empty() && idle.is_empty() { Verdict::Pass } else { Verdict::Fail })
}

fn is_chosen(subject: &Subject, only: &[String]) -> bool {
    only.is_empty() || subject.mutants.first().is_some_and(|mutant| only.contains(&mutant.subject))
}

/// Those that no test noticed. As many subjects at a time as there are processors, each in a folder of its own.
fn tried<'a>(
    subjects: &[&'a Subject],
    survivors: &Survivors,
    promtool: &Path,
) -> Result<Vec<&'a Mutant>, TrialError> {
    let queue = Mutex::new(subjects.iter().copied());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let worker = || {
        let mut survived = Vec::new();
        while let Some(subject) = next() {
            survived.extend(of_subject(subject, survivors, promtool)?);
        }
        Ok::<_, TrialError>(survived)
    };
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut survived = Vec::new();
        for worker in running {
            survived.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(survived)
    })
}

fn of_subject<'a>(
    subject: &'a Subject,
    survivors: &Survivors,
    promtool: &Path,
) -> Result<Vec<&'a Mutant>, TrialError> {
    let trial = Trial::of(subject, promtool.to_owned())?;
    let mut survived = Vec::new();
    for (index, mutant) in subject.mutants.iter().enumerate() {
        if index == 0 {
            eprintln!("{}: {} changes", mutant.subject, subject.mutants.len());
        }
        let explained = survivors.reason(mutant).is_some();
        if trial.run(mutant, explained)? == Fate::Survived {
            survived.push(mutant);
            if !explained {
                println!("survived: {}: {}: {}", mutant.subject, mutant.rule, mutant.change);
            }
        }
    }
    Ok(survived)
}
