//! One machine's share of a load that several send together. Owns how a load is divided; how the results of all shares
//! become one is in [`crate::merge`]. Must never change what a request is.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::{Phase, Scenario, SlowClients};

/// What the result of a share says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Which it is.
    pub part: Part,
    /// When all of them began to send, as RFC 3339 has it.
    pub begin_at: String,
}

/// Which share, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// From 0, as the pods of an Indexed Job are numbered.
    pub index: u16,
    /// How many there are.
    pub of: u16,
}

/// A load that can't be divided so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{phase}: {whole} {what} are less than one for each of {of} that share them; have fewer")]
pub struct Indivisible {
    phase: String,
    whole: u32,
    what: &'static str,
    of: u16,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = || {
            let (index, of) = text.split_once('/')?;
            Some(Self { index: index.parse().ok()?, of: of.parse().ok()? })
        };
        part()
            .filter(|part| part.index < part.of)
            .ok_or_else(|| format!("{text:?} is no share; of four there are 0/4, 1/4, 2/4 and 3/4"))
    }
}

impl Part {
    /// What this one sends of a scenario: all together send all of it.
    ///
    /// # Errors
    ///
    /// When there is not one request a second or one connection for each.
    pub fn of(self, scenario: &Scenario) -> Result<Scenario, Indivisible> {
        let phases = scenario.phases.iter().map(|phase| self.of_phase(phase));
        Ok(Scenario { phases: phases.collect::<Result<_, _>>()?, ..scenario.clone() })
    }

    /// What this one sends of a phase.
    ///
    /// # Errors
    ///
    /// As [`Part::of`].
    pub(crate) fn of_phase(self, phase: &Phase) -> Result<Phase, Indivisible> {
        let at_least_one = |whole: u32, what| {
            if whole < self.of.into() {
                return Err(Indivisible { phase: phase.name.clone(), whole, what, of: self.of });
            }
            Ok(self.of_number(whole))
        };
        Ok(Phase {
            rate: phase.rate.map(|rate| at_least_one(rate, "requests a second")).transpose()?,
            connections: at_least_one(phase.connections, "connections")?,
            slow_clients: phase.slow_clients.map(|SlowClients { heads, bodies, answers }| SlowClients {
                heads: self.of_number(heads),
                bodies: self.of_number(bodies),
                answers: self.of_number(answers),
            }),
            ..phase.clone()
        })
    }

    /// No two shares differ by more than one.
    fn of_number(self, whole: u32) -> u32 {
        let before = |index: u32| u64::from(whole) * u64::from(index) / u64::from(self.of.max(1));
        let share = before(u32::from(self.index) + 1) - before(self.index.into());
        u32::try_from(share).unwrap_or(whole)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::objectives::Objectives;

    /// A scenario to divide.
    pub(crate) fn smoke() -> Scenario {
        let objectives = Objectives::read(include_str!("../objectives.json")).unwrap();
        Scenario::read("smoke", include_str!("../scenarios/smoke.yaml"), &objectives).unwrap()
    }

    #[rstest]
    #[case("0/1", Some(Part { index: 0, of: 1 }))]
    #[case("3/4", Some(Part { index: 3, of: 4 }))]
    #[case("4/4", None)]
    #[case("0/0", None)]
    #[case("1", None)]
    #[case("-1/4", None)]
    #[case("a/b", None)]
    fn a_share_is_one_of_those_that_there_are(#[case] text: &str, #[case] part: Option<Part>) {
        assert_eq!(text.parse().ok(), part);
    }

    #[test]
    fn a_load_is_not_divided_into_shares_of_nothing() {
        let mut scenario = smoke();
        scenario.phases[0].connections = 3;
        let refused = Part { index: 0, of: 4 }.of(&scenario).unwrap_err();
        let name = &scenario.phases[0].name;
        assert_eq!(
            refused.to_string(),
            format!("{name}: 3 connections are less than one for each of 4 that share them; have fewer")
        );
    }

    proptest! {
        #[test]
        fn all_shares_together_send_all_and_each_as_much_as_the_next(
            rate in 64_u32..1_000_000,
            heads in 0_u32..5_000,
            of in 1_u16..64,
        ) {
            let mut scenario = smoke();
            scenario.phases[0].rate = Some(rate);
            scenario.phases[0].connections = rate;
            scenario.phases[0].slow_clients = Some(SlowClients { heads, ..SlowClients::default() });
            let shares: Vec<_> =
                (0..of).map(|index| Part { index, of }.of(&scenario).unwrap().phases.swap_remove(0)).collect();
            let rates: Vec<_> = shares.iter().filter_map(|phase| phase.rate).collect();
            prop_assert_eq!(rates.iter().sum::<u32>(), rate);
            prop_assert!(rates.iter().max().unwrap() - rates.iter().min().unwrap() <= 1);
            prop_assert_eq!(shares.iter().map(|phase| phase.connections).sum::<u32>(), rate);
            prop_assert_eq!(shares.iter().map(|phase| phase.slow_clients.unwrap().heads).sum::<u32>(), heads);
        }
    }
}
