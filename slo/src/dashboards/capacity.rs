//! What is used of everything that has a ceiling, now and at the worst, so that growth is seen weeks before it hurts.

use rust_decimal::Decimal;

use super::grafana::{Dashboard, Panel};
use super::layout::Page;
use super::panel::{Draft, Unit};
use super::{Instances, instance, named};
use crate::objectives::Objectives;

/// Everything that has a ceiling: the gauge, whose ceiling has the suffix `_limit`, and what people call it.
const BOUNDED: [(&str, &str); 4] = [
    ("http_server_active_requests", "requests in flight"),
    ("connections", "connections"),
    ("quota_keys", "identities remembered"),
    ("auth_token_cache_entries", "tokens remembered"),
];

pub(super) fn dashboard(objectives: &Objectives) -> Dashboard {
    let answers = "How full is it, how full was it at the worst, and how much does an instance carry?";
    let mut dashboard = named(objectives, "capacity", "capacity", answers, "now-7d");
    dashboard.templating.list.push(instance(&objectives.service));

    let of = Instances(objectives);
    let mut page = Page::default();
    page.shelf(8, [(12, used(of)), (12, worst(of))]);
    page.row("Over time");
    page.shelf(10, [(12, shares(of)), (12, spread(of))]);
    page.shelf(10, [(8, per_instance(of)), (8, per_place(of)), (8, rows(of))]);
    page.shelf(10, [(12, memory(of)), (12, processor(of))]);
    dashboard.panels = page.done();
    dashboard
}

fn used(of: Instances<'_>) -> Panel {
    let draft = Draft::bars(
        "Used now",
        "Each bound's use as a share of it, on the fullest instance. Full places and connections turn clients away; full \
         memories make each request dearer and let newcomers share a quota.",
        Unit::Share,
    )
    .between(Some(Decimal::ZERO), Some(Decimal::ONE));
    BOUNDED.iter().fold(draft, |draft, (metric, name)| draft.asks(of.fullest(metric), name)).done()
}

fn worst(of: Instances<'_>) -> Panel {
    let draft = Draft::bars(
        "Used at the worst in the time shown",
        "The highest that each was at a scrape. What is twice as full as a month ago will be full in about another: plan by \
         this and not by the mean, which is never what breaks.",
        Unit::Share,
    )
    .between(Some(Decimal::ZERO), Some(Decimal::ONE));
    let worst = |metric: &str| {
        let limit = of.series(&format!("{metric}_limit"));
        format!("max(max_over_time({}[$__range]) / {limit})", of.series(metric))
    };
    BOUNDED.iter().fold(draft, |draft, (metric, name)| draft.asks(worst(metric), name)).done()
}

fn shares(of: Instances<'_>) -> Panel {
    let draft = Draft::lines(
        "Share of each bound, on the fullest instance",
        "Follow the peaks, not the valleys. A step up that stays came with a delivery or a client: find which at its time on \
         `service`.",
        Unit::Share,
    )
    .between(Some(Decimal::ZERO), Some(Decimal::ONE));
    BOUNDED.iter().fold(draft, |draft, (metric, name)| draft.asks(of.fullest(metric), name)).done()
}

fn spread(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Requests by instance",
        "Whether instances share the work. Kept connections stick to an instance: if one has much more, lower the age at \
         which connections are told to close.",
        Unit::RequestsPerSecond,
    )
    .asks(
        format!("sum by (instance) ({})", of.rate("http_server_request_duration_seconds_count", "")),
        "{{instance}}",
    )
    .done()
}

fn per_instance(of: Instances<'_>) -> Panel {
    let rate = of.rate("http_server_request_duration_seconds_count", "");
    Draft::lines(
        "Requests for each instance",
        "The mean over instances. Hold it against the knee that the load test measured (`loadtest/results`): instances are \
         added before it is reached.",
        Unit::RequestsPerSecond,
    )
    .asks(format!("sum({rate}) / sum({})", of.series("up")), "for each instance")
    .done()
}

fn per_place(of: Instances<'_>) -> Panel {
    let busy = of.rate("http_server_request_duration_seconds_sum", "");
    Draft::lines(
        "Requests in flight by Little's law",
        "Rate × mean duration: the places that were needed on average, of all instances, also between two scrapes. If the \
         gauge on `service` is far above it, requests come in bursts.",
        Unit::Count,
    )
    .asks(format!("sum({busy})"), "in flight on average")
    .done()
}

fn rows(of: Instances<'_>) -> Panel {
    let rows = of.rate("inference_predictions_total", "");
    let requests = of.rate("http_server_request_duration_seconds_count", "error_source=\"\"");
    Draft::lines(
        "Rows in a good answer",
        "The mean. Batches make a request dearer and a row cheaper: when this changes, the knee changes with it, and it is \
         measured again.",
        Unit::Count,
    )
    .asks(format!("sum({rows}) / sum({requests})"), "rows")
    .done()
}

fn memory(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Memory of each instance",
        "What is resident. Bodies under way are the largest part of a rise that goes again; a rise at a steady rate is a leak. \
         A fall to the bottom is a restart: hold its height against the limit of the container.",
        Unit::Bytes,
    )
    .asks(format!("max by (instance) ({})", of.series("process_resident_memory_bytes")), "{{instance}}")
    .done()
}

fn processor(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Cores that each instance uses",
        "Processor time in a second. Instances are added by this (`autoscaling` of the chart): near a whole core each, requests \
         wait for it.",
        Unit::Count,
    )
    .asks(format!("max by (instance) ({})", of.rate("process_cpu_seconds_total", "")), "{{instance}}")
    .done()
}
