//! Results of one scenario below each other, and what else changed from one to the next. Must never call two figures comparable:
//! that is for [`crate::compare`] to show, with runs taken in turns.

use super::milliseconds;
use crate::latency::count;
use crate::result::RunResult;

/// As a table in Markdown, in the order in which they are given.
#[must_use]
pub fn history(results: &[RunResult]) -> String {
    let mut text = "| started | commit | verdict | due | good, a second | p50 | p99 | besides the commit, this changed |\n\
                    |---|---|---|---:|---:|---:|---:|---|\n"
        .to_owned();
    let before = std::iter::once(None).chain(results.iter().map(Some));
    for (before, result) in before.zip(results) {
        let measured = result.measurement();
        let seconds: f64 = result.phases.iter().map(|phase| phase.phase.seconds).sum();
        let took = |quantile| {
            measured.latency.quantile(quantile).map_or_else(String::new, |seen| milliseconds(seen.value))
        };
        text += &format!(
            "| {} | {} | {} | {} | {:.0} | {} | {} | {} |\n",
            result.started,
            result.machine.commit,
            result.verdict.outcome.word(),
            measured.offered,
            count(measured.good()) / seconds,
            took(0.5),
            took(0.99),
            before.map_or_else(String::new, |before| changes(before, result)),
        );
    }
    text
}

/// What makes two results those of different things.
fn changes(before: &RunResult, after: &RunResult) -> String {
    let (old, new) = (&before.machine, &after.machine);
    let plans =
        |result: &RunResult| result.phases.iter().map(|phase| phase.phase.clone()).collect::<Vec<_>>();
    let changed = [
        ("processor", (&old.cpu, old.cores) != (&new.cpu, new.cores)),
        ("kernel", old.kernel != new.kernel),
        ("build", old.build_profile != new.build_profile),
        ("load", plans(before) != plans(after)),
        ("bodies", before.payload_sha256 != after.payload_sha256),
        ("credentials", before.credentials != after.credentials),
        ("service", before.service != after.service),
    ];
    let names: Vec<_> = changed.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measurement::Measurement;
    use crate::result::tests::run;

    #[test]
    fn each_run_says_what_else_changed_since_the_one_before() {
        let mut measured = Measurement { offered: 2_000, ..Measurement::default() };
        for _ in 0..2_000 {
            measured.answered(200, Duration::from_millis(2), &[]);
        }
        let first = run(measured);
        let mut second = first.clone();
        second.machine.commit = "abc".to_owned();
        let mut third = second.clone();
        third.machine.cores = 64;
        third.phases[0].phase.rate = Some(2_000);
        let table = history(&[first, second, third]);
        let ends: Vec<_> = table.lines().skip(2).map(|line| line.rsplit_once("ms |").unwrap().1).collect();
        assert_eq!(ends, ["  |", " nothing |", " processor, load |"], "{table}");
        assert!(table.contains("| abc | PASS | 2000 | 1000 | 2.0"), "{table}");
    }
}
