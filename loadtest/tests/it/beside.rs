//! What goes on beside the requests: clients that take their time, and instances that are restarted.

use std::time::Duration;

use crate::harness::{Scenario, run, run_with};
use crate::server::Server;

fn gentle(credentials: &'static str, seconds: u32) -> String {
    Scenario { credentials, ..Scenario::gentle(seconds) }.yaml()
}

fn beside_slow_clients(within: Duration) -> String {
    let clients = "slow_clients: { heads: 2, bodies: 2, answers: 2 }, load: open";
    let scenario = gentle("bearer", 4).replace("load: open", clients);
    scenario + &format!("  slow_clients_ended_within: {}s\n", within.as_secs())
}

#[test]
fn a_service_that_ends_slow_clients_passes() {
    // Far more than it needs.
    let scenario = beside_slow_clients(Duration::from_secs(60));
    let service = "service: { options: [--header-timeout=1s, --body-timeout=1s] }\nphases:";
    let ran = run_with(&scenario.replace("phases:", service), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = ran.result.unwrap().phases[0].slow_clients.unwrap();
    assert!(seen.ended > 0 && seen.opened > 6 && seen.longest_seconds >= 1.0, "{seen:?}");
}

#[test]
fn a_server_that_waits_for_slow_clients_for_ever_fails() {
    let ran = run(&beside_slow_clients(Duration::from_secs(2)), Server::Right.start().address);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.said.contains("a request that came a byte a second was put up with for "), "{ran:?}");
}

#[test]
fn two_instances_that_are_restarted_in_turn_lose_nothing() {
    let service = "service: { instances: 2, options: [--drain-grace=1s] }\nphases:";
    let scenario =
        gentle("es256", 8).replace("phases:", service).replace("load: open", "restarts: true, load: open");
    let result = run_with(&scenario, &[]).result.unwrap();
    let phase = &result.phases[0];
    assert!(phase.restarted_seconds.unwrap() >= 2.0, "each has a second of grace: {phase:?}");
    assert_eq!(phase.measurement.statuses.keys().collect::<Vec<_>>(), [&200], "{phase:?}");
    assert_eq!(phase.measurement.sent(), phase.measurement.answers(), "{phase:?}");
}

#[test]
fn clients_with_a_quota_each_get_together_what_one_of_them_would_be_refused() {
    let service = "service: { quota: { rate: 40, burst: 10 } }\nphases:";
    let alone = gentle("es256", 4).replace("phases:", service);
    let together = run_with(&alone.replace("load: open", "identities: 4, load: open"), &[]);
    assert_eq!(together.code, 0, "{together:?}");
    let phase = &together.result.unwrap().phases[0];
    assert_eq!((phase.measurement.offered, phase.measurement.sent()), (200, 200), "{phase:?}");
    assert_eq!(phase.seconds.iter().map(|second| second.answers).sum::<u64>(), 200, "{phase:?}");
    let available = phase.measurement.generator.available_seconds;
    assert!(available > 64.0, "four generators of eight threads for four seconds: {available}");

    let alone = run_with(&alone, &[]);
    assert_eq!(alone.code, 1, "{alone:?}");
    assert!(alone.said.contains("status 429"), "{alone:?}");
}

#[test]
fn a_neighbour_that_asks_for_more_gets_its_quota_and_the_other_all_it_asks_for() {
    let service = "service: { quota: { rate: 150, burst: 10 } }\nphases:";
    let neighbour = "neighbour: { rate: 600, connections: 20 }, load: open";
    let scenario = gentle("es256", 4).replace("phases:", service).replace("load: open", neighbour)
        + "  neighbour: { quota_at_least: \"0.5\" }\n";
    let ran = run_with(&scenario, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let phase = &ran.result.unwrap().phases[0];
    let neighbour = phase.neighbour.as_ref().unwrap();
    assert_eq!(phase.measurement.statuses.keys().collect::<Vec<_>>(), [&200], "{phase:?}");
    assert!(neighbour.statuses[&429] > 0 && neighbour.good() <= 150 * 4 + 10, "{neighbour:?}");
}
