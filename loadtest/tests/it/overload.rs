//! More than a server can do: one that does what it can and refuses the rest, and one that takes everything and does nothing
//! in time.

use crate::harness::{Scenario, run, run_with};
use crate::server::Server;

/// Four places of ten milliseconds do up to 400 a second.
const PLACES: usize = 4;

/// `beside` is what the phases before and after are judged by.
fn overload(beside: &str) -> String {
    let phase = |name, more: &str, rate, seconds| {
        format!(
            "  - {{ name: {name}, {more}load: open, rate: {rate}, connections: 400, warm_up: 0s, duration: {seconds}s }}\n"
        )
    };
    let phases = phase("before", "", 200, 3)
        + &phase("over", "overload: true, ", 1_200, 2)
        + &phase("after", "", 200, 3);
    // A machine that does other things besides takes from what can be done, and makes the next phase begin late.
    format!(
        "name: try\nshows: A test.\ncredentials: bearer\ntimeout: 300ms\nthreads: 8\nphases:\n{phases}\
         expect:\n  statuses: [{{ status: 200 }}, {{ status: 503 }}]\n  objectives: [{beside}]\n  \
         overload: {{ goodput_at_least: \"0.5\", recovery: 60s }}\n"
    )
}

#[test]
fn a_server_that_does_what_it_can_and_refuses_the_rest_passes() {
    let ran = run(&overload(""), Server::Sheds(PLACES).start().address);
    assert_eq!(ran.code, 0, "{ran:?}");
    let result = ran.result.unwrap();
    let over = &result.phases[1].measurement;
    assert!(over.refusals.requests() > 0 && over.refusals.requests() == over.statuses[&503], "{over:?}");
    assert_eq!(over.checks.without_retry_after, 0);
    assert!(result.phases[1].began_seconds >= 3.0, "{result:?}");
}

#[test]
fn a_server_that_takes_everything_and_does_nothing_in_time_collapses() {
    let ran = run(&overload("api-latency"), Server::Queues(PLACES).start().address);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.said.contains(" good answers a second, where "), "{ran:?}");
}

#[test]
fn a_service_is_started_as_the_scenario_says_and_one_that_is_there_is_not() {
    let service = "service: { options: [--in-flight=1], answers_take: 20ms }\nphases:";
    let scenario = Scenario {
        rate: 200,
        connections: 20,
        seconds: 1,
        timeout: "10s",
        objectives: &[],
        ..Scenario::default()
    };
    let scenario = scenario.yaml().replace("phases:", service);
    let ran = run_with(&scenario, &[]);
    let statuses = &ran.result.unwrap().phases[0].measurement.statuses;
    // One after the other, each after at least 20 ms.
    assert!(statuses[&200] <= 51 && statuses[&503] > 0, "{statuses:?}");

    let refused = run_with(&scenario, &["--target", "http://127.0.0.1:1"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.said.contains("so it can't be one that is there; leave --target out"), "{refused:?}");
}
