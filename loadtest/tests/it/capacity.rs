//! The search for the highest rate, against a server of which it is known.

use loadtest::capacity::{Beyond, Capacity, Round};
use loadtest::verdict::Outcome;
use rstest::rstest;
use tempfile::TempDir;

use crate::harness::{Scenario, loadtest, said};
use crate::server::Server;

/// One connection and one second, so that a rate is a number of requests of that connection: 62 at the first rate, 125 at
/// twice that, 250 at four times. No clock of the server's decides what holds.
fn from_50_a_second() -> Scenario {
    Scenario {
        rate: 50,
        connections: 1,
        seconds: 1,
        credentials: "none",
        objectives: &[],
        ..Scenario::default()
    }
}

#[rstest]
#[case::known(150, "1000000", 0, Some(100), Some(200))]
#[case::breaks_at_once(10, "1000000", 1, None, Some(50))]
#[case::never_breaks(1_000_000, "100", 0, Some(100), None)]
fn the_highest_rate_that_holds_is_found(
    #[case] requests: u64,
    #[case] ceiling: &str,
    #[case] code: i32,
    #[case] holds: Option<u32>,
    #[case] breaks: Option<u32>,
) {
    let server = Server::TiresAfter(requests).start();
    let folder = TempDir::new().unwrap();
    let (scenario, found) = (folder.path().join("try.yaml"), folder.path().join("capacity.json"));
    std::fs::write(&scenario, from_50_a_second().yaml()).unwrap();
    let output = loadtest()
        .arg("capacity")
        .arg(scenario)
        .args(["--step", "100", "--rounds", "1", "--ceiling", ceiling, "--target"])
        .arg(format!("http://{}", server.address))
        .arg("--out")
        .arg(&found)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    let capacity: Capacity = serde_json::from_slice(&std::fs::read(found).unwrap()).unwrap();
    let [Round { held, beyond }] = capacity.configurations[0].rounds.as_slice() else {
        panic!("{capacity:?}");
    };
    assert_eq!(held.as_ref().map(|held| held.rate), holds, "{capacity:?}");
    assert_eq!(beyond.as_ref().map(|beyond| beyond.rate), breaks, "{capacity:?}");
    if let Some(Beyond { verdict, .. }) = beyond {
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert!(verdict.because.contains("answers have status 500"), "{verdict:?}");
    }
}

#[test]
fn a_scenario_without_one_rate_is_refused() {
    let folder = TempDir::new().unwrap();
    let scenario = folder.path().join("try.yaml");
    let closed = from_50_a_second().yaml().replace("load: open, rate: 50", "load: closed");
    std::fs::write(&scenario, closed).unwrap();
    let output = loadtest().arg("capacity").arg(scenario).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).starts_with("try has not one rate"), "{}", said(&output));
}
