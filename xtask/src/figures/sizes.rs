//! What the chart asks for and the runbook promises, computed from what one core can do. Owns the head-room. Must never hold a
//! figure that could be measured, and never round so that there is less room than it says.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::capacity::Capacity;
use super::read;
use crate::workspace::Workspace;

/// What the chart takes where nobody says otherwise.
pub(crate) const VALUES: &str = "infra/charts/inference/values.yaml";
const OBJECTIVES: &str = "loadtest/objectives.json";

/// What callers of the chart's default policy, `jwt`, show.
const CREDENTIALS: &str = "bearer";

/// The objective that a full house must not break.
const LATENCY: &str = "api-latency";

/// Of the time that an answer may take, this part may be spent behind others in flight; the rest is the way to the client
/// and back.
const WAITING_PERCENT: u32 = 50;

/// Whoever is in no other class may ask this part of what the smallest fleet does.
const ONE_IDENTITY_PERCENT: u32 = 10;

#[derive(Debug, Deserialize)]
struct Objectives {
    objectives: Vec<Objective>,
}

#[derive(Debug, Deserialize)]
struct Objective {
    slo: String,
    threshold_seconds: Option<Decimal>,
}

/// The part of the chart's values that a person writes and sizes depend on.
#[derive(Debug, Deserialize)]
struct Values {
    autoscaling: Autoscaling,
}

#[derive(Debug, Deserialize)]
struct Autoscaling {
    minimum: u32,
}

/// What follows from it.
#[derive(Debug, PartialEq)]
pub(super) struct Sizes {
    /// Good requests a second of one core, the least that a search saw.
    pub(super) of_a_core: Decimal,
    /// The share of a core up to which the objectives were met, in percent.
    met_up_to_percent: Decimal,
    /// Pods when little is asked.
    pub(super) minimum: u32,
    /// The share of its core at which a pod is given company, in percent.
    pub(super) cpu_percent: Decimal,
    /// Requests that a pod works on at once.
    in_flight: Decimal,
    /// Requests a second of one identity.
    quota: Decimal,
}

impl Sizes {
    pub(super) fn committed(workspace: &Workspace, capacity: &Capacity) -> anyhow::Result<Self> {
        let Objectives { objectives } = read(workspace, OBJECTIVES)?;
        let latency = objectives.iter().find(|objective| objective.slo == LATENCY);
        let threshold = latency
            .and_then(|objective| objective.threshold_seconds)
            .with_context(|| format!("{OBJECTIVES}: {LATENCY} has no threshold"))?;
        let values = std::fs::read_to_string(workspace.path(VALUES)).context(VALUES)?;
        let Values { autoscaling } = serde_saphyr::from_str(&values).context(VALUES)?;
        Self::of(capacity, threshold, autoscaling.minimum)
    }

    fn of(capacity: &Capacity, threshold_seconds: Decimal, minimum: u32) -> anyhow::Result<Self> {
        ensure!(
            minimum > 1,
            "{VALUES}: autoscaling.minimum is {minimum}; one pod of two or more may be gone"
        );
        let of_a_core = capacity.of_a_core(CREDENTIALS)?;
        let met_up_to_percent = (capacity.met_up_to(CREDENTIALS)? * Decimal::ONE_HUNDRED).floor();
        let pods = Decimal::from(minimum);
        let cpu_percent = met_up_to_percent * (pods - Decimal::ONE) / pods;
        let cpu_percent = (cpu_percent / Decimal::from(5)).floor() * Decimal::from(5);
        Ok(Self {
            of_a_core,
            met_up_to_percent,
            minimum,
            cpu_percent,
            in_flight: (of_a_core * threshold_seconds * share(WAITING_PERCENT)).floor(),
            quota: (of_a_core * cpu_percent / Decimal::ONE_HUNDRED * pods * share(ONE_IDENTITY_PERCENT))
                .floor(),
        })
    }

    /// Good requests a second of a pod at the share of its core at which it is given company.
    pub(super) fn of_a_pod(&self) -> Decimal {
        (self.of_a_core * self.cpu_percent / Decimal::ONE_HUNDRED).floor()
    }

    fn values(&self) -> String {
        let Self { met_up_to_percent, minimum, cpu_percent, in_flight, .. } = self;
        format!(
            "  # Share of the requested CPU, in percent. A core met the objectives up to {met_up_to_percent} % \
             (runbooks/performance.md, Sizes); with\n  # one pod of {minimum} gone, the others stay below that.\n  \
             cpuPercent: {cpu_percent}\n\n\
             # Requests that a pod works on at once; the next is answered 503. A core answers so many in {WAITING_PERCENT} % of the \
             time that\n# {LATENCY} gives to one.\ninFlight: {in_flight}\n"
        )
    }

    pub(super) fn table(&self) -> anyhow::Result<String> {
        let Self { of_a_core, met_up_to_percent, minimum, cpu_percent, in_flight, quota } = self;
        let of_a_core = of_a_core.floor();
        let mut text = "| size | value | from |\n|---|---:|---|\n".to_owned();
        for (size, value, from) in [
            (
                "CPU at which pods are added, `autoscaling.cpuPercent`",
                format!("{cpu_percent} %"),
                format!(
                    "a core met the objectives up to {met_up_to_percent} %; with one pod of {minimum} gone the others stay below"
                ),
            ),
            (
                "requests in flight in a pod, `inFlight`",
                in_flight.to_string(),
                format!("{of_a_core}/s of a core × {WAITING_PERCENT} % of the threshold of {LATENCY}"),
            ),
            (
                "quota of whoever is in no other class",
                format!("{quota}/s"),
                format!("{ONE_IDENTITY_PERCENT} % of {minimum} pods of {}/s", self.of_a_pod()),
            ),
        ] {
            writeln!(text, "| {size} | {value} | {from} |")?;
        }
        Ok(text)
    }
}

fn share(percent: u32) -> Decimal {
    Decimal::from(percent) / Decimal::ONE_HUNDRED
}

/// Between the marks of the chart's values, which begin within `autoscaling`.
pub(super) fn values(workspace: &Workspace) -> anyhow::Result<String> {
    Ok(Sizes::committed(workspace, &Capacity::committed(workspace)?)?.values())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::capacity::tests::capacity;
    use super::*;

    pub(in crate::figures) fn sizes() -> Sizes {
        Sizes::of(&capacity(), Decimal::new(25, 3), 3).unwrap()
    }

    #[test]
    fn sizes_leave_the_room_that_they_say() {
        let expected = Sizes {
            of_a_core: Decimal::new(200_007, 1),
            met_up_to_percent: Decimal::from(90),
            minimum: 3,
            // 90 % × 2 ÷ 3.
            cpu_percent: Decimal::from(60),
            // 20,000.7/s × 12.5 ms.
            in_flight: Decimal::from(250),
            // A tenth of 3 × 12,000.42/s.
            quota: Decimal::from(3_600),
        };
        assert_eq!(sizes(), expected);
        assert_eq!(sizes().of_a_pod(), Decimal::from(12_000));
    }

    #[test]
    fn the_charts_values_are_yaml_within_autoscaling() {
        let yaml = format!("autoscaling:\n  minimum: 3\n{}", sizes().values());
        let values: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(values["autoscaling"]["cpuPercent"], 60);
        assert_eq!(values["inFlight"], 250);
        assert!(yaml.lines().all(|line| line.len() <= 125), "{yaml}");
    }

    #[test]
    fn one_pod_alone_is_refused() {
        let error = Sizes::of(&capacity(), Decimal::new(25, 3), 1).unwrap_err().to_string();
        assert!(error.starts_with("infra/charts/inference/values.yaml: autoscaling.minimum is 1"), "{error}");
    }
}
