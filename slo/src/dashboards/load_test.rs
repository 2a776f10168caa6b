//! A load test over the service's own view of it: what was offered, what was delivered, and what it did to the service.
//!
//! Each panel has the service's view beside the test's, so that none is empty when nothing is tested.

use rust_decimal::Decimal;

use super::grafana::{Dashboard, Panel, Variable};
use super::layout::Page;
use super::panel::{Draft, GREEN, RED, Unit, thresholds};
use super::{Instances, instance, named};
use crate::objectives::{Indicator, Objectives};

/// What tells runs apart.
const RUNS: &str = "{run_id=~\"$run_id\",scenario=~\"$scenario\"}";

const OFFERED: &str = "loadtest_offered_requests_total";
const DELIVERED: &str = "loadtest_delivered_requests_total";
const WRONG: &str = "loadtest_wrong_answers_total";
const DURATION: &str = "loadtest_request_duration_seconds";

pub(super) fn dashboard(objectives: &Objectives) -> Dashboard {
    let answers = "What was offered, what was delivered, and what the service says of the same minutes.";
    let mut dashboard = named(objectives, "load-test", "load test", answers, "now-1h");
    dashboard.templating.list.extend([
        instance(&objectives.service),
        Variable::label("scenario", "Scenario", "Which load", OFFERED),
        Variable::label(
            "run_id",
            "Run",
            "Which of its runs",
            &format!("{OFFERED}{{scenario=~\"$scenario\"}}"),
        ),
    ]);

    let of = Instances(objectives);
    let mut page = Page::default();
    page.shelf(4, [(6, offered()), (6, delivered()), (6, lost()), (6, wrong())]);
    page.shelf(10, [(12, load(of)), (12, duration(of, objectives))]);
    page.row("What it did to the service");
    page.shelf(9, [(8, errors(of)), (8, places(of)), (8, phases(of))]);
    dashboard.panels = page.done();
    dashboard
}

/// In the time shown. No run at all has offered nothing, which is a true 0.
fn counted(metric: &str) -> String {
    format!("sum(increase({metric}{RUNS}[$__range])) or vector(0)")
}

fn rate(metric: &str) -> String {
    format!("sum(rate({metric}{RUNS}[$__rate_interval]))")
}

fn offered() -> Panel {
    Draft::stat("Offered", "Requests that the scenario wanted to send in the time shown; 0 when nothing was tested. What is missing beside it \
         was never sent.", Unit::Count)
        .asks(counted(OFFERED), "")
        .done()
}

fn delivered() -> Panel {
    Draft::stat(
        "Delivered",
        "Requests that were sent and answered in the time shown, whatever the answer was.",
        Unit::Count,
    )
    .asks(counted(DELIVERED), "")
    .done()
}

fn lost() -> Panel {
    let share =
        format!("1 - sum(increase({DELIVERED}{RUNS}[$__range])) / sum(increase({OFFERED}{RUNS}[$__range]))");
    Draft::stat(
        "Not delivered",
        "The share of the offered load that never became an answer. If it is more than a sliver, the run is no measurement: \
         the generator or the machine was the bottleneck, and durations look better than they are.",
        Unit::Share,
    )
    .asks(format!("{share} or vector(NaN)"), "")
    .unknown("no run")
    .done()
}

fn wrong() -> Panel {
    Draft::stat(
        "Wrong answers",
        "Answers with another status than expected, or with another class than the golden answer. Red from the first: a fast \
         wrong answer is not fast.",
        Unit::Count,
    )
    .asks(counted(WRONG), "")
    .coloured(thresholds(GREEN, &[(Decimal::ONE, RED)]))
    .done()
}

fn load(of: Instances<'_>) -> Panel {
    let served = of.rate("http_server_request_duration_seconds_count", "");
    Draft::lines(
        "Offered, delivered, served",
        "By the test and by the service. Delivered below offered: the generator is the bottleneck. Served above delivered: \
         somebody else asks too, and the run measures both.",
        Unit::RequestsPerSecond,
    )
    .asks(format!("{} or vector(0)", rate(OFFERED)), "offered")
    .asks(format!("{} or vector(0)", rate(DELIVERED)), "delivered")
    .asks(format!("sum({served})"), "served")
    .done()
}

/// The same quantile on both sides: the share that the objective promises.
fn duration(of: Instances<'_>, objectives: &Objectives) -> Panel {
    let mut draft = Draft::lines(
        "Duration as the client and as the service sees it",
        "The slowest answer among those that have to be fast. The dashes are the objective's bound. The gap between both \
         lines is the network and the queue before the service: if it grows with load, connections are what is short.",
        Unit::Seconds,
    );
    for slo in &objectives.slos {
        let Indicator::Latency { total, threshold, .. } = &slo.indicator else { continue };
        let quantile = slo.objective.ratio();
        let served = of.rate(&format!("{}_bucket", total.metric()), "");
        let seen = format!("rate({DURATION}_bucket{RUNS}[$__rate_interval])");
        let name = slo.objective;
        return draft
            .asks(
                format!("histogram_quantile({quantile}, sum by (le) ({seen}))"),
                &format!("client, {name} %"),
            )
            .asks(
                format!("histogram_quantile({quantile}, sum by (le) ({served}))"),
                &format!("service, {name} %"),
            )
            .coloured(thresholds(GREEN, &[(threshold.seconds(), RED)]))
            .done();
    }
    let served =
        |part| format!("sum({})", of.rate(&format!("http_server_request_duration_seconds_{part}"), ""));
    draft = draft.asks(format!("{} / {}", served("sum"), served("count")), "service, mean");
    draft.done()
}

fn errors(of: Instances<'_>) -> Panel {
    let errors = of.rate("http_server_request_duration_seconds_count", "error_source!=\"\"");
    Draft::lines(
        "Errors by whose fault",
        "As the service counts them. `limit`: the run met a quota or the bound on requests in flight, and measured that.",
        Unit::RequestsPerSecond,
    )
    .asks(format!("sum by (error_source) ({errors})"), "{{error_source}}")
    .done()
}

fn places(of: Instances<'_>) -> Panel {
    Draft::lines(
        "What filled up",
        "Each bound's use as a share of it, on the fullest instance. What reaches 100 % first is what the knee is made of.",
        Unit::Share,
    )
    .asks(of.fullest("http_server_active_requests"), "requests in flight")
    .asks(of.fullest("connections"), "connections")
    .asks(of.fullest("auth_token_cache_entries"), "tokens remembered")
    .asks(of.fullest("quota_keys"), "identities remembered")
    .between(Some(Decimal::ZERO), Some(Decimal::ONE))
    .done()
}

fn phases(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Where the time goes",
        "The mean of each phase under this load. A phase that grows with load waits for a lock or for CPU.",
        Unit::Seconds,
    )
    .asks(of.mean_of_phases(), "{{phase}}")
    .stacked()
    .done()
}
