//! The service from inside: rate, errors, duration, then each part of it in the order in which a request passes.

use rust_decimal::Decimal;

use super::grafana::{Dashboard, Panel};
use super::layout::Page;
use super::panel::{Draft, GREEN, RED, Unit, thresholds};
use super::{Instances, instance, named, trace, trace_link};
use crate::objectives::{Indicator, Objectives, Slo};
use crate::query::Selector;

/// The histogram that every request is in.
const REQUESTS: &str = "http_server_request_duration_seconds";

pub(super) fn dashboard(objectives: &Objectives) -> Dashboard {
    let answers = "Rate, errors, duration, and which part of the service makes the difference.";
    let mut dashboard = named(objectives, "service", "service", answers, "now-1h");
    dashboard.links.push(trace_link());
    dashboard.templating.list.extend([instance(&objectives.service), trace()]);

    let of = Instances(objectives);
    let mut page = Page::default();
    page.shelf(
        4,
        [
            (4, up(of)),
            (4, request_rate(of)),
            (4, failing(objectives)),
            (4, in_flight_share(of)),
            (4, connection_share(of)),
            (4, refused_share(of)),
        ],
    );
    page.row("Requests");
    page.shelf(9, [(8, rate_by_route(of)), (8, errors(of)), (8, heatmap(of))]);
    for slos in objectives.slos.iter().filter(|slo| latency(slo).is_some()).collect::<Vec<_>>().chunks(2) {
        match slos {
            [left, right] => {
                page.shelf(9, [(12, duration(objectives, left)), (12, duration(objectives, right))])
            }
            [alone] => page.shelf(9, [(24, duration(objectives, alone))]),
            _ => {}
        }
    }
    page.row("On the way to the model");
    page.shelf(9, [(8, phases(of)), (8, identity(of)), (8, cache(of))]);
    page.shelf(9, [(8, quotas(of)), (8, in_flight(of)), (8, connections(of))]);
    page.row("Model");
    page.shelf(8, [(6, model(of)), (6, predictions(of)), (6, out_of_domain(of)), (6, reloads(of))]);
    page.row("Through the front door");
    page.shelf(8, [(12, probes()), (12, probe_duration())]);
    page.row("Process");
    page.shelf(8, [(12, refused_connections(of)), (12, scrapes(of))]);
    dashboard.panels = page.done();
    dashboard
}

fn up(of: Instances<'_>) -> Panel {
    Draft::stat(
        "Instances",
        "Processes that answer Prometheus, of those it knows. Fewer than yesterday: look at the deployment before anything \
         on this page.",
        Unit::Count,
    )
    .asks(format!("sum({})", of.series("up")), "up")
    .asks(format!("count({})", of.series("up")), "known")
    .done()
}

fn request_rate(of: Instances<'_>) -> Panel {
    Draft::stat(
        "Requests",
        "Answers in a second, refusals among them. Nothing at a time when there should be something: clients can't reach \
         us, so ask the balancer and the prober, not this page.",
        Unit::RequestsPerSecond,
    )
    .asks(format!("sum({})", of.rate(&format!("{REQUESTS}_count"), "")), "")
    .done()
}

/// The tightest budget of the objectives that count requests is where it turns red.
fn failing(objectives: &Objectives) -> Panel {
    let mut draft = Draft::stat(
        "Failing now",
        "The share of requests that fail by our fault, of those that count, for each promise. Red: more than its budget \
         allows; whether it lasts long enough to matter is what the burn rates on `overview` say.",
        Unit::Share,
    )
    .named();
    for slo in &objectives.slos {
        let Indicator::Events { total, bad } = &slo.indicator else { continue };
        if !total.metric().starts_with(REQUESTS) {
            continue;
        }
        let (bad, total) = (rate_of(bad), rate_of(total));
        draft = draft
            .asks(format!("(sum({bad}) or 0 * sum({total})) / sum({total})"), &slo.id)
            .coloured_where(&slo.id, &thresholds(GREEN, &[(slo.budget().ratio(), RED)]));
    }
    draft.unknown("idle").done()
}

/// The rate of a selector of an indicator, on the chosen instances.
fn rate_of(selector: &Selector) -> String {
    let narrowed = selector.and("instance=~\"$instance\"").unwrap_or_else(|_| selector.clone());
    format!("rate({narrowed}[$__rate_interval])")
}

fn in_flight_share(of: Instances<'_>) -> Panel {
    Draft::stat(
        "Places taken",
        "Requests in flight as a share of those that may be, on the fullest instance. At 100 % one more is answered 503, \
         which burns budget: add instances, or find what became slow.",
        Unit::Share,
    )
    .asks(of.fullest("http_server_active_requests"), "")
    .between(Some(Decimal::ZERO), Some(Decimal::ONE))
    .done()
}

fn connection_share(of: Instances<'_>) -> Panel {
    Draft::stat(
        "Connections taken",
        "Open connections as a share of those that may be, on the fullest instance. At 100 % new clients are turned away: \
         see the reasons below.",
        Unit::Share,
    )
    .asks(of.fullest("connections"), "")
    .between(Some(Decimal::ZERO), Some(Decimal::ONE))
    .done()
}

fn refused_share(of: Instances<'_>) -> Panel {
    let refused = of.rate("auth_decisions_total", "outcome!=\"allow\"");
    Draft::stat(
        "Not let in",
        "The share of callers whose credentials are refused. It burns no budget, but a jump is either an attack or a key \
         that we should have: see `identity`.",
        Unit::Share,
    )
    .asks(format!("sum({refused}) / sum({})", of.rate("auth_decisions_total", "")), "")
    .unknown("idle")
    .done()
}

fn rate_by_route(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Rate by route",
        "Answers in a second, by route; no name is a path that doesn't exist. A sudden step is a client, a slow rise is \
         growth: compare with `capacity`.",
        Unit::RequestsPerSecond,
    )
    .asks(format!("sum by (http_route) ({})", of.rate(&format!("{REQUESTS}_count"), "")), "{{http_route}}")
    .done()
}

fn errors(of: Instances<'_>) -> Panel {
    let errors = of.rate(&format!("{REQUESTS}_count"), "error_source!=\"\"");
    Draft::lines(
        "Errors by whose fault",
        "`server` and `dependency` are ours and burn budget: find a trace_id in the log lines of level error. `client` and \
         `limit` are refusals that did what they should: a jump means a client that was changed, or a quota that is too \
         small.",
        Unit::RequestsPerSecond,
    )
    .asks(
        format!("sum by (error_source, http_response_status_code) ({errors})"),
        "{{error_source}} {{http_response_status_code}}",
    )
    .done()
}

fn heatmap(of: Instances<'_>) -> Panel {
    Draft::heatmap(
        "Durations",
        "How many answers took how long. Two bands are two kinds of requests, such as rows and batches; a band that \
         climbs is a queue.",
        Unit::Seconds,
    )
    .asks(format!("sum by (le) ({})", of.rate(&format!("{REQUESTS}_bucket"), "")), "{{le}}")
    .done()
}

fn latency(slo: &Slo) -> Option<(&Selector, Decimal)> {
    match &slo.indicator {
        Indicator::Latency { total, threshold, .. } => Some((total, threshold.seconds())),
        Indicator::Events { .. } | Indicator::Freshness { .. } => None,
    }
}

fn duration(objectives: &Objectives, slo: &Slo) -> Panel {
    let Some((total, threshold)) = latency(slo) else { return Draft::words(&slo.title, "", "") };
    let (objective, alert) = (slo.objective, slo.alert());
    let buckets = rate_of(&total.of(format!("{}_bucket", total.metric())));
    let quantile = format!("histogram_quantile({}, sum by (le) ({buckets}))", objective.ratio());
    let [sum, count] = ["sum", "count"].map(|part| rate_of(&total.of(format!("{}_{part}", total.metric()))));
    Draft::lines(
        &format!("Duration · {}", slo.title),
        &format!(
            "The slowest answer among the {objective} % that have to be fast, and the mean. Below the dashes the promise is \
             kept. The first is read between two bounds of a histogram: what counts for the budget is the bound itself. \
             If only it rises, some requests wait; if both do, everything is slower: see the phases below."
        ),
        Unit::Seconds,
    )
    .asks(quantile, &format!("{objective} % are faster"))
    .asks(format!("sum({sum}) / sum({count})"), "mean")
    .coloured(thresholds(GREEN, &[(threshold, RED)]))
    .linked(&format!("Runbook: {alert}"), &objectives.runbook(&alert))
    .done()
}

fn phases(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Where the time goes",
        "The mean of each phase of a request, on top of each other. `auth` grows with tokens that were not seen before: \
         look at the cache beside this. `decode` grows with the size of bodies, `model` with rows.",
        Unit::Seconds,
    )
    .asks(of.mean_of_phases(), "{{phase}}")
    .stacked()
    .done()
}

fn identity(of: Instances<'_>) -> Panel {
    let by_method = |outcome| format!("sum by (method) ({})", of.rate("auth_decisions_total", outcome));
    Draft::lines(
        "Who calls",
        "Callers that were let in and refused, by the way they prove who they are. The reasons stand on `identity`.",
        Unit::RequestsPerSecond,
    )
    .asks(by_method("outcome=\"allow\""), "{{method}} let in")
    .asks(by_method("outcome!=\"allow\""), "{{method}} refused")
    .done()
}

fn cache(of: Instances<'_>) -> Panel {
    let result = format!("sum by (result) ({})", of.rate("auth_token_cache_lookups_total", ""));
    let all =
        format!("ignoring (result) group_left () sum({})", of.rate("auth_token_cache_lookups_total", ""));
    Draft::lines(
        "What the cache of tokens knew",
        "Share of the look-ups. A miss costs a signature, which is most of what a request costs. Many misses from known \
         clients: they fetch a new token for each request; ask them to keep it.",
        Unit::Share,
    )
    .asks(format!("{result} / {all}"), "{{result}}")
    .stacked()
    .between(Some(Decimal::ZERO), Some(Decimal::ONE))
    .done()
}

fn quotas(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Quotas by class",
        "Requests that were admitted and limited. Limited ones burn no budget; if a class is limited all day, its quota is \
         too small or its client is broken.",
        Unit::RequestsPerSecond,
    )
    .asks(
        format!("sum by (class, outcome) ({})", of.rate("quota_decisions_total", "")),
        "{{class}} {{outcome}}",
    )
    .done()
}

fn in_flight(of: Instances<'_>) -> Panel {
    Draft::lines(
        "In flight, and how many may be",
        "Requests that are being worked on, of all instances. Near the dashes the service sheds load by answering 503. \
         Steady rate and rising flight: each request takes longer.",
        Unit::Count,
    )
    .asks(format!("sum({})", of.series("http_server_active_requests")), "in flight")
    .asks(format!("sum({})", of.series("http_server_active_requests_limit")), "may be")
    .dashed("may be")
    .done()
}

fn connections(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Connections, and how many may be",
        "Open connections of all instances. If they climb while requests don't, a client opens one for each request.",
        Unit::Count,
    )
    .asks(format!("sum({})", of.series("connections")), "open")
    .asks(format!("sum({})", of.series("connections_limit")), "may be")
    .dashed("may be")
    .done()
}

fn model(of: Instances<'_>) -> Panel {
    Draft::stat(
        "Model",
        "The model that answers, and how its file begins. More than one: a delivery is on its way, or some instance did \
         not reload.",
        Unit::State,
    )
    .asks(
        format!(
            "max by (model, opset, file) (label_replace({} == 1, \"file\", \"$1\", \"sha256\", \"(.{{12}}).*\"))",
            of.series("inference_model_info")
        ),
        "{{model}} opset {{opset}} {{file}}",
    )
    .name_only()
    .done()
}

fn predictions(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Predictions by class",
        "Rows answered in a second. If the share of a class changes and no model was delivered, the flights have changed, or \
         a client encodes them wrongly: see beside this.",
        Unit::PerSecond,
    )
    .asks(format!("sum by (model, class) ({})", of.rate("inference_predictions_total", "")), "{{model}} class {{class}}")
    .stacked()
    .done()
}

fn out_of_domain(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Rows that no flight encodes to",
        "Answered all the same, but the answer means nothing: some client encodes this group of features wrongly. Find it \
         by the identities of the traces.",
        Unit::PerSecond,
    )
    .asks(
        format!("sum by (feature_group) ({})", of.rate("inference_rows_out_of_domain_total", "")),
        "{{feature_group}}",
    )
    .done()
}

fn reloads(of: Instances<'_>) -> Panel {
    let outcomes = |metric| format!("sum by (outcome) (increase({}[$__range]))", of.series(metric));
    Draft::bars(
        "Reloads in the time shown",
        "Reloads of the model and of the files of TLS. Any that was refused: the old one goes on, and the log line of level \
         error says what is wrong with the file.",
        Unit::Count,
    )
    .asks(outcomes("inference_model_reloads_total"), "model {{outcome}}")
    .asks(outcomes("tls_reloads_total"), "TLS {{outcome}}")
    .done()
}

fn refused_connections(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Connections turned away",
        "By reason, before a first request was answered. `limit`: too many are open. `tls-handshake`: a client with the wrong \
         certificate or none. `silence` and the time-outs: scanners, or a network that loses packets.",
        Unit::PerSecond,
    )
    .asks(format!("sum by (reason) ({})", of.rate("connections_refused_total", "")), "{{reason}}")
    .done()
}

fn scrapes(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Scrapes",
        "How long each instance takes to show its metrics. It has a thread of its own, so that a busy API doesn't slow it: \
         if it is slow all the same, the machine has no CPU left.",
        Unit::Seconds,
    )
    .asks(of.series("scrape_duration_seconds"), "{{instance}}")
    .done()
}

fn probes() -> Panel {
    Draft::lines(
        "Answers to the prober",
        "It asks for rows whose answers are known, as a client does. `wrong` with status 200: the model or its file is not \
         the one that was tested, so roll back. `failed` while the panels above are quiet: what stands before the service \
         is broken. `refused`: the prober's own token or quota.",
        Unit::PerSecond,
    )
    .asks("sum by (http_route, result) (rate(probe_answers_total[$__rate_interval]))", "{{http_route}} {{result}}")
    .done()
}

fn probe_duration() -> Panel {
    let mean = |part| format!("sum by (http_route) (rate(probe_duration_seconds_{part}[$__rate_interval]))");
    Draft::lines(
        "Duration as the prober sees it",
        "The mean, with everything between the prober and the service. Far above what the service counts: the network, the \
         balancer, or a queue of connections.",
        Unit::Seconds,
    )
    .asks(format!("{} / {}", mean("sum"), mean("count")), "{{http_route}}")
    .done()
}
