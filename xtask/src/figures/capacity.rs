//! What one core can do, from the committed search for it. Must never call a limit of the generator one of the service.

use std::fmt::Write as _;

use anyhow::Context as _;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Found, read};
use crate::workspace::Workspace;

const FILE: &str = "loadtest/results/capacity.json";

/// The part of the search's result that is used; its whole form is `loadtest/schema/capacity.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Capacity {
    #[serde(flatten)]
    found: Found,
    step: u32,
    configurations: Vec<Configuration>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    credentials: String,
    good_per_second_per_core: Option<Spread>,
    rounds: Vec<Round>,
}

#[derive(Debug, Deserialize)]
struct Spread {
    least: Decimal,
    median: Decimal,
    most: Decimal,
}

#[derive(Debug, Deserialize)]
struct Round {
    held: Option<Held>,
    beyond: Option<Beyond>,
}

#[derive(Debug, Deserialize)]
struct Held {
    rate: u32,
    service: Option<Cost>,
}

#[derive(Debug, Deserialize)]
struct Cost {
    processor_seconds: Decimal,
    seconds: Decimal,
}

#[derive(Debug, Deserialize)]
struct Beyond {
    verdict: Verdict,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    outcome: String,
}

impl Capacity {
    pub(super) fn committed(workspace: &Workspace) -> anyhow::Result<Self> {
        read(workspace, FILE)
    }

    /// Good requests a second of one core with that proof, the least that a search saw.
    pub(super) fn of_a_core(&self, credentials: &str) -> anyhow::Result<Decimal> {
        let good = self.configuration(credentials)?.good_per_second_per_core.as_ref();
        Ok(good.with_context(|| format!("{FILE}: nothing held with {credentials}"))?.least)
    }

    fn configuration(&self, credentials: &str) -> anyhow::Result<&Configuration> {
        let mut all = self.configurations.iter();
        all.find(|configuration| configuration.credentials == credentials)
            .with_context(|| format!("{FILE}: nothing was searched with {credentials}"))
    }

    /// The share of its core up to which the service met the objectives with that proof, the least that a search saw.
    pub(super) fn met_up_to(&self, credentials: &str) -> anyhow::Result<Decimal> {
        let least = self.configuration(credentials)?.rounds.iter().map(Round::cores).min();
        // The kernel counts in ticks, and may count one too many.
        Ok(least.unwrap_or_default().min(Decimal::ONE))
    }

    pub(super) fn table(&self) -> anyhow::Result<String> {
        let mut text = "| credentials | held, requests a second | at most, of a core | what ended the search | good requests a second and core: least · median · most |\n\
                        |---|---:|---:|---|---:|\n"
            .to_owned();
        for configuration in &self.configurations {
            writeln!(text, "{}", configuration.row())?;
        }
        writeln!(text, "\n{}; steps of {}/s.", self.found.line()?, self.step)?;
        Ok(text)
    }
}

impl Configuration {
    fn row(&self) -> String {
        let Self { credentials, good_per_second_per_core, rounds } = self;
        let rates: Vec<_> =
            rounds.iter().map(|round| round.held.as_ref().map_or(0, |held| held.rate).to_string()).collect();
        let most = rounds.iter().map(Round::cores).max().unwrap_or_default() * Decimal::ONE_HUNDRED;
        let broke = rounds.iter().filter(|round| round.broke()).count();
        let ended = match (broke, rounds.len()) {
            (0, _) => "the generator".to_owned(),
            (broke, all) if broke == all => "an objective".to_owned(),
            (broke, all) => format!("an objective in {broke} of {all}, else the generator"),
        };
        let per_core = good_per_second_per_core.as_ref().map_or_else(
            || "nothing held".to_owned(),
            |Spread { least, median, most }| {
                format!("{} · {} · {}", least.floor(), median.floor(), most.floor())
            },
        );
        format!("| {credentials} | {} | {} % | {ended} | {per_core} |", rates.join(" · "), most.floor())
    }
}

impl Round {
    /// Cores that the service used at the rate that held; none where none did.
    fn cores(&self) -> Decimal {
        let cost = self.held.as_ref().and_then(|held| held.service.as_ref());
        cost.and_then(|cost| cost.processor_seconds.checked_div(cost.seconds)).unwrap_or_default()
    }

    fn broke(&self) -> bool {
        self.beyond.as_ref().is_some_and(|beyond| beyond.verdict.outcome == "fail")
    }
}

#[cfg(test)]
pub(super) mod tests {
    //! A search for the tests of what is made from it.

    use serde_json::json;

    use super::*;

    /// A token that is remembered, where the generator ended the search, and one that is verified each time, where an
    /// objective did at the second search.
    pub(in crate::figures) fn capacity() -> Capacity {
        let held = |rate, seconds| json!({"rate": rate, "good_per_second": rate, "service": {"processor_seconds": seconds, "seconds": 2.0, "resident_bytes": 1}});
        let beyond =
            |outcome| json!({"rate": 9_000, "verdict": {"outcome": outcome, "because": "", "besides": []}});
        let round = |rate, seconds, outcome| json!({"held": held(rate, seconds), "beyond": beyond(outcome)});
        serde_json::from_value(json!({
            "command": "loadtest capacity", "started": "2026-01-02T00:00:00Z", "step": 250,
            "machine": {"commit": "abc", "cpu": "a processor", "cores": 2},
            "configurations": [
                {
                    "credentials": "bearer",
                    "good_per_second_per_core": {"least": 20_000.7, "median": 21_000.0, "most": 22_000.0},
                    "rounds": [round(6_000, 1.8, "invalid"), round(6_250, 1.9, "invalid")],
                },
                {
                    "credentials": "es256_anew",
                    "good_per_second_per_core": {"least": 7_000.0, "median": 7_100.0, "most": 7_200.0},
                    "rounds": [round(6_500, 1.8, "invalid"), round(6_750, 1.9, "fail")],
                },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn what_is_sized_by_a_search_is_the_least_that_it_saw() {
        assert_eq!(capacity().of_a_core("bearer").unwrap(), Decimal::new(200_007, 1));
        assert_eq!(capacity().met_up_to("es256_anew").unwrap(), Decimal::new(9, 1));
        let error = capacity().of_a_core("mtls").unwrap_err().to_string();
        assert_eq!(error, "loadtest/results/capacity.json: nothing was searched with mtls");
    }

    #[test]
    fn the_table_says_where_the_generator_came_to_its_end_before_the_service() {
        let table = capacity().table().unwrap();
        let bearer = "| bearer | 6000 · 6250 | 95 % | the generator | 20000 · 21000 · 22000 |\n";
        assert!(table.contains(bearer), "{table}");
        assert!(table.contains("| 95 % | an objective in 1 of 2, else the generator |"), "{table}");
        assert!(table.ends_with(
            "`loadtest capacity`, 2026-01-02, commit abc, 2 cores of a processor; steps of 250/s.\n"
        ));
    }
}
