//! What a proof of identity adds, with services that are really started and really ask for it.

use loadtest::ladder::Ladder;
use tempfile::TempDir;

use crate::harness::{Scenario, loadtest, said};

#[test]
fn each_way_has_a_service_of_its_own_and_is_compared_with_the_first() {
    let folder = TempDir::new().unwrap();
    let (scenario, found) = (folder.path().join("try.yaml"), folder.path().join("ladder.json"));
    let slow = Scenario {
        rate: 200,
        connections: 4,
        seconds: 1,
        credentials: "none",
        objectives: &[],
        ..Scenario::default()
    };
    std::fs::write(&scenario, slow.yaml()).unwrap();
    let output = loadtest()
        .arg("ladder")
        .arg(scenario)
        .args(["--turns", "1", "--credentials", "none", "hs256", "tls_anew", "--out"])
        .arg(&found)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let Ladder { rungs, .. } = serde_json::from_slice(&std::fs::read(found).unwrap()).unwrap();
    let names: Vec<_> = rungs.iter().map(|rung| serde_json::to_value(rung.credentials).unwrap()).collect();
    assert_eq!(names, ["none", "hs256", "tls_anew"]);
    for (rung, line) in rungs.iter().zip(said(&output).lines()) {
        assert!(rung.latency[0].ms.mean > 0.0 && rung.processor_us.is_some(), "{rung:?}");
        assert!(line.contains("  p50 ") && line.contains("  processor "), "{line}");
    }
    assert_eq!(rungs[0].latency[0].ms.added, 0.0);
}
