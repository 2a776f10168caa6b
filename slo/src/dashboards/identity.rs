//! Who is let in and who isn't, and how fresh that is what the decision rests on.

use super::grafana::{Dashboard, Panel};
use super::layout::Page;
use super::panel::{Draft, GREEN, RED, Unit, thresholds};
use super::{Instances, instance, named, trace, trace_link};
use crate::objectives::{Bound, Indicator, Objectives, Slo};
use crate::query::Selector;

pub(super) fn dashboard(objectives: &Objectives) -> Dashboard {
    let answers = "Who is refused and why, and how old keys and revocation lists are.";
    let mut dashboard = named(objectives, "identity", "identity", answers, "now-6h");
    dashboard.links.push(trace_link());
    dashboard.templating.list.extend([instance(&objectives.service), trace()]);

    let of = Instances(objectives);
    let mut page = Page::default();
    for slos in objectives.slos.iter().filter(|slo| freshness(slo).is_some()).collect::<Vec<_>>().chunks(2) {
        match slos {
            [left, right] => page.shelf(8, [(12, age(objectives, left)), (12, age(objectives, right))]),
            [alone] => page.shelf(8, [(24, age(objectives, alone))]),
            _ => {}
        }
    }
    page.row("Decisions");
    page.shelf(12, [(8, decisions(of)), (16, reasons_over_time(of))]);
    page.shelf(18, [(24, reasons(of))]);
    page.row("What decisions rest on");
    page.shelf(8, [(6, keys(of)), (6, refreshes(of)), (6, reloads(of)), (6, cache(of))]);
    dashboard.panels = page.done();
    dashboard
}

fn freshness(slo: &Slo) -> Option<(&Selector, Bound)> {
    match &slo.indicator {
        Indicator::Freshness { timestamp, bound } => Some((timestamp, *bound)),
        Indicator::Events { .. } | Indicator::Latency { .. } => None,
    }
}

/// 0 says that there is nothing to watch, which is shown in words and not as an age of 57 years.
fn age(objectives: &Objectives, slo: &Slo) -> Panel {
    let Some((timestamp, bound)) = freshness(slo) else { return Draft::words(&slo.title, "", "") };
    let seen = timestamp.and("instance=~\"$instance\"").unwrap_or_else(|_| timestamp.clone());
    let (worst, colours, reads) = match bound {
        Bound::Behind(most) => (
            format!("max(time() - ({seen} > 0))"),
            thresholds(GREEN, &[(most.seconds(), RED)]),
            format!("How long ago, on the worst instance. From {most} on (the dashes) it counts as bad"),
        ),
        Bound::Ahead(least) => (
            format!("min(({seen} > 0) - time())"),
            thresholds(RED, &[(least.seconds(), GREEN)]),
            format!(
                "How long it still holds, on the worst instance. Below {least} (the dashes) it counts as bad"
            ),
        ),
    };
    let alert = slo.alert();
    Draft::lines(
        &slo.title,
        &format!(
            "{reads}. {} A saw-tooth is a renewal that works; a straight line is one that doesn't: open the runbook before \
             the objective's alert does it for you. Without a line there is nothing to watch: no such list, no such source.",
            slo.notices
        ),
        Unit::Seconds,
    )
    .asks(format!("{worst}\nor\nNaN * max({seen})"), &slo.id)
    .coloured(colours)
    .unknown("nothing to watch")
    .between(None, None)
    .linked(&format!("Runbook: {alert}"), &objectives.runbook(&alert))
    .done()
}

fn decisions(of: Instances<'_>) -> Panel {
    let by_method = |outcome| format!("sum by (method) ({})", of.rate("auth_decisions_total", outcome));
    Draft::lines(
        "Let in and refused",
        "By the way callers prove who they are. Only refusals rise: an attack, or a client whose credentials ended. Let in \
         falls as refusals rise: it is our own clients, so look at the reasons at once.",
        Unit::RequestsPerSecond,
    )
    .asks(by_method("outcome=\"allow\""), "{{method}} let in")
    .asks(by_method("outcome!=\"allow\""), "{{method}} refused")
    .done()
}

fn reasons_over_time(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Refusals by reason",
        "`expired` after `allow`: clocks, or a client that does not renew. `unknown_key`: the issuer changed its keys and we \
         have not seen it. `bad_signature`, `unsigned`, `algorithm_confusion`, `embedded_key`, `bound_to_another`: somebody \
         tries. `keys_stale` is our fault and burns budget.",
        Unit::RequestsPerSecond,
    )
    .asks(
        format!("sum by (outcome) ({})", of.rate("auth_decisions_total", "outcome!=\"allow\"")),
        "{{outcome}}",
    )
    .stacked()
    .done()
}

fn reasons(of: Instances<'_>) -> Panel {
    let refused = of.with("auth_decisions_total", "outcome!=\"allow\"");
    Draft::bars(
        "Refusals in the time shown",
        "Every reason there is, the most frequent first. What each means and what to do stands in the runbook of the API's \
         security; a reason that was never seen before deserves a trace.",
        Unit::Count,
    )
    .asks(format!("sort_desc(sum by (outcome) (increase({refused}[$__range])))"), "{{outcome}}")
    .done()
}

fn keys(of: Instances<'_>) -> Panel {
    Draft::stat(
        "Keys",
        "Keys that tokens are checked with, on the instance that has fewest. 0 without a source: development mode, or \
         certificates alone.",
        Unit::Count,
    )
    .asks(format!("min({})", of.series("auth_jwks_keys")), "")
    .done()
}

fn refreshes(of: Instances<'_>) -> Panel {
    Draft::bars(
        "Looks at the issuer's keys in the time shown",
        "`failed`: the old keys go on until they are too old to be believed; the log says what the issuer answered.",
        Unit::Count,
    )
    .asks(
        format!("sum by (outcome) (increase({}[$__range]))", of.series("auth_jwks_refreshes_total")),
        "{{outcome}}",
    )
    .done()
}

fn reloads(of: Instances<'_>) -> Panel {
    Draft::bars(
        "Reloads of TLS files in the time shown",
        "`refused`: certificate, key, CA or revocation list on disk can't be used; the old ones go on until they end.",
        Unit::Count,
    )
    .asks(format!("sum by (outcome) (increase({}[$__range]))", of.series("tls_reloads_total")), "{{outcome}}")
    .done()
}

fn cache(of: Instances<'_>) -> Panel {
    Draft::lines(
        "Tokens remembered, and how many may be",
        "At the dashes the cache forgets tokens that are still used, and each costs a signature again.",
        Unit::Count,
    )
    .asks(format!("sum({})", of.series("auth_token_cache_entries")), "remembered")
    .asks(format!("sum({})", of.series("auth_token_cache_entries_limit")), "may be")
    .dashed("may be")
    .done()
}
