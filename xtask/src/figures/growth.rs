//! What multiples of the challenge's load take: arithmetic from what a pod does and what its node costs. Must never round a need
//! down.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::sizes::Sizes;
use crate::cost::Prices;
use crate::workspace::Workspace;

/// The challenge: so many requests in 45 s.
const CHALLENGE: u32 = 50_000;
const SECONDS: u32 = 45;

/// The challenge, and the multiples of it that the page speaks of.
const TIMES: [u32; 5] = [1, 10, 100, 1_000, 10_000];

/// What a pod runs on, as infra/prices.toml calls it.
const NODE: &str = "nodes, m7g.large";

/// `--max-connections` of a pod, as it is by itself.
const CONNECTIONS: u32 = 900;

pub(super) fn table(workspace: &Workspace, sizes: &Sizes) -> anyhow::Result<String> {
    written(sizes, Prices::committed(workspace)?.monthly(NODE)?)
}

fn written(sizes: &Sizes, node: Decimal) -> anyhow::Result<String> {
    let mut text =
        "| the challenge's load | requests a second | pods | connections at once, most | their nodes, USD a month |\n\
         |---:|---:|---:|---:|---:|\n"
            .to_owned();
    for times in TIMES {
        let rate = (Decimal::from(CHALLENGE) * Decimal::from(times) / Decimal::from(SECONDS)).ceil();
        let pods = (rate / sizes.of_a_pod()).ceil().max(sizes.minimum.into());
        let (connections, dollars) = (pods * Decimal::from(CONNECTIONS), (pods * node).ceil());
        writeln!(text, "| {times} × | {rate} | {pods} | {connections} | {dollars} |")?;
    }
    writeln!(
        text,
        "\nA pod takes {}/s, at which another is added, and is on a node of its own ({NODE}). [COST.md](../infra/COST.md) has what \
         does not grow with the pods; what traffic costs by itself comes on top.",
        sizes.of_a_pod()
    )?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::sizes::tests::sizes;
    use super::*;

    #[test]
    fn a_need_is_rounded_up_and_never_below_the_smallest_fleet() {
        let table = written(&sizes(), Decimal::new(5_957, 2)).unwrap();
        assert!(table.contains("| 1 × | 1112 | 3 | 2700 | 179 |\n"), "{table}");
        // 111,112 ÷ 12,000 is 9.3.
        assert!(table.contains("| 100 × | 111112 | 10 | 9000 | 596 |\n"), "{table}");
    }

    #[test]
    fn the_connections_of_a_pod_are_those_of_the_service() {
        let workspace = Workspace::locate(false).unwrap();
        let settings = workspace.path("services/inference/src/listen/config.rs");
        let settings = std::fs::read_to_string(settings).unwrap();
        assert!(
            settings.contains(&format!("\"INFERENCE_MAX_CONNECTIONS\", default_value_t = {CONNECTIONS},"))
        );
    }
}
