//! What is not there: a target that is taken out, a service that is killed, counters that begin again, an idle hour, a
//! collector that is gone, knowledge of anything.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use super::pages::Pages;
use super::timeline::{Look, Timeline};
use crate::stack::{Clients, Stack, seconds_since_1970 as now};
use crate::wait;

/// The windows that an idle hour empties, and the shortest of all, in seconds of real time.
const HOUR: f64 = 3_600.0;
const SHORT: f64 = 300.0;

/// A little more than a window, in seconds of this machine.
const MORE: f64 = 1.5;

const LIMIT: Duration = Duration::from_secs(30);

/// No target: somebody is called for it, and only for it.
pub(super) fn a_target_is_taken_out(
    stack: &Stack,
    timeline: &mut Timeline,
    pages: &mut Pages,
) -> anyhow::Result<()> {
    let begun = begin(stack, timeline)?;
    stack.configuration.set_targets("inference", &[])?;
    let took = timeline.look_for(stack, "InferenceDown", true)?;
    pages.ask(stack, &["InferenceDown"])?;
    stack.configuration.set_targets("inference", &[stack.serving.addresses.admin])?;
    let cleared = timeline.look_for(stack, "InferenceDown", false)?;
    println!("    InferenceDown came after {took:.1} s and went after {cleared:.1} s");
    nothing_new(timeline, begun, &["InferenceDown"])
}

/// A killed service: it is down, its front door is closed, and what it does not count is not counted against it. When it
/// is back its counters begin at nought, and no number goes below.
pub(super) fn the_service_is_killed(stack: &mut Stack, timeline: &mut Timeline) -> anyhow::Result<()> {
    let begun = begin(stack, timeline)?;
    stack.serving.kill_service();
    let took = timeline.look_for(stack, "InferenceDown", true)?;
    let door = timeline.look_for(stack, "FrontDoorAvailabilityBurn", true)?;
    println!("    InferenceDown came after {took:.1} s, FrontDoorAvailabilityBurn {door:.1} s later");
    stack.serving.start_service()?;
    timeline.look_for(stack, "InferenceDown", false)?;
    timeline.look(stack, MORE + SHORT / factor(stack))?;
    nothing_new(timeline, begun, &["InferenceDown", "FrontDoorAvailabilityBurn"])?;

    // Over the reset.
    let over = format!("[{:.0}s:250ms]", now() - begun + 1.0);
    let resets =
        stack.prometheus.value(&format!("sum(resets(http_server_request_duration_seconds_count{over}))"))?;
    ensure!(resets.is_some_and(|resets| resets > 0.0), "the counters did not begin again: {resets:?}");
    for recorded in ["slo:bad:increase5m", "slo:total:increase5m", "slo:sli_error:ratio_rate5m"] {
        let least = stack.prometheus.value(&format!("min(min_over_time({recorded}{over}))"))?;
        ensure!(least.is_some_and(|least| least >= 0.0), "{recorded} was {least:?} over the reset");
    }
    Ok(())
}

/// One that ends again as soon as it was started: that is a ticket of its own, also where it is up whenever somebody looks.
pub(super) fn the_service_is_killed_again_and_again(
    stack: &mut Stack,
    timeline: &mut Timeline,
    pages: &mut Pages,
) -> anyhow::Result<()> {
    let begun = begin(stack, timeline)?;
    for _ in 0..2 {
        stack.serving.kill_service();
        stack.serving.start_service()?;
        timeline.look(stack, MORE)?;
    }
    let took = timeline.look_for(stack, "InferenceRestarting", true)?;
    println!("    InferenceRestarting came {took:.1} s after the second time");
    pages.ask(stack, &["InferenceRestarting"])?;
    timeline.look(stack, MORE + SHORT / factor(stack))?;
    nothing_new(timeline, begun, &["InferenceRestarting", "InferenceDown", "FrontDoorAvailabilityBurn"])
}

/// While nothing is known somebody is called for that, and not for what is said of the service therefore. What others have
/// fire without end, so that its silence is heard, goes on.
pub(super) fn nothing_is_known(stack: &Stack) -> anyhow::Result<()> {
    let (blind, down, without_end) = ("PrometheusNotIngesting", "InferenceDown", "Watchdog");
    let of_service = |name: &str| json!({"alertname": name, "service": "inference", "severity": "page"});
    let labels = [of_service(blind), of_service(down), json!({"alertname": without_end})];
    stack.alertmanager.fire(&labels)?;
    wait::until("alerts that were sent", LIMIT, || {
        let alerts = stack.alertmanager.alerts()?;
        let seen = |name: &str| alerts.iter().find(|alert| alert.label("alertname") == name);
        let (Some(blind), Some(down), Some(without_end)) = (seen(blind), seen(down), seen(without_end))
        else {
            return Ok(None);
        };
        ensure!(!blind.is_inhibited() && !without_end.is_inhibited(), "{blind:?}, {without_end:?}");
        ensure!(down.is_inhibited(), "nothing is known, and somebody is called for {down:?}");
        Ok(Some(()))
    })
}

/// Nobody calls: no ratio, so no alert; the budget stays as it was. That nobody asks whether it is well is a ticket.
pub(super) fn an_idle_hour(
    stack: &mut Stack,
    clients: Clients,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    let begun = begin(stack, timeline)?;
    drop(clients);
    stack.serving.kill_prober();
    timeline.look(stack, MORE + HOUR / factor(stack))?;
    for window in ["5m", "30m", "1h"] {
        for slo in ["api-availability", "api-latency", "infer-availability", "answer-correctness"] {
            let ratio = format!("slo:sli_error:ratio_rate{window}{{slo=\"{slo}\"}}");
            let series = stack.prometheus.query(&ratio)?;
            ensure!(series.is_empty(), "nobody called, and {ratio} is {series:?}");
        }
    }
    let budget = "slo:period_error_budget_remaining:ratio{slo=\"api-availability\"}";
    ensure!(stack.prometheus.value(budget)?.is_some_and(f64::is_finite), "the budget is forgotten");
    nothing_new(timeline, begun, &["ProbeDown"])?;
    ensure!(timeline.looks.keys().any(|(alert, _)| alert == "ProbeDown"), "nobody missed the prober");
    Ok(())
}

/// Without its collector the service answers as before; what is missing is a ticket.
pub(super) fn the_collector_is_killed(
    stack: &mut Stack,
    clients: &Clients,
    timeline: &mut Timeline,
    pages: &mut Pages,
) -> anyhow::Result<()> {
    let begun = begin(stack, timeline)?;
    let before = clients.counts();
    stack.serving.kill_collector();
    let took = timeline.look_for(stack, "CollectorDown", true)?;
    pages.ask(stack, &["CollectorDown"])?;
    wait::until("a thousand answers without a collector", LIMIT, || {
        Ok((clients.counts().right >= before.right + 1000).then_some(()))
    })?;
    let after = clients.counts();
    println!(
        "    CollectorDown came after {took:.1} s; {} answers without a collector",
        after.right - before.right
    );
    ensure!(
        after.wrong == before.wrong,
        "without a collector {} answers were wrong",
        after.wrong - before.wrong
    );
    nothing_new(timeline, begun, &["CollectorDown"])
}

/// What fires now is not new later.
fn begin(stack: &Stack, timeline: &mut Timeline) -> anyhow::Result<f64> {
    timeline.look(stack, 0.1)?;
    Ok(now())
}

fn factor(stack: &Stack) -> f64 {
    f64::from(stack.configuration.compression())
}

/// Nothing fires after `begun` that did not fire then, apart from these.
fn nothing_new(timeline: &Timeline, begun: f64, apart_from: &[&str]) -> anyhow::Result<()> {
    let is_new = |looks: &[Look]| {
        looks.iter().any(|look| look.at > begun)
            && !looks.iter().any(|look| (begun - 1.0..=begun).contains(&look.at))
    };
    let new: Vec<_> = timeline
        .looks
        .iter()
        .filter(|((alert, _), looks)| !apart_from.contains(&alert.as_str()) && is_new(looks))
        .map(|(name, _)| name)
        .collect();
    ensure!(new.is_empty(), "{new:?} fired as well");
    Ok(())
}
