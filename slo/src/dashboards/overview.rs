//! The first page: which promise is being broken, how fast, and what it means in words. Knows objectives only, no metric
//! of the service.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::grafana::{Dashboard, Panel, Thresholds};
use super::layout::Page;
use super::panel::{Draft, GREEN, ORANGE, RED, Unit, YELLOW, thresholds};
use super::{named, trace, trace_link};
use crate::definition::Gate;
use crate::numbers::{Severity, Span, Tier};
use crate::objectives::{Objectives, Slo};

pub(super) fn dashboard(objectives: &Objectives) -> Dashboard {
    let answers = "Is a promise being broken, how fast, and what do we do?";
    let mut dashboard = named(objectives, "overview", "overview", answers, "now-6h");
    dashboard.links.push(trace_link());
    dashboard.templating.list.push(trace());

    let mut page = Page::default();
    page.shelf(6, [(18, state(objectives)), (6, targets(objectives))]);
    page.shelf(10, [(9, budgets(objectives)), (15, burn_table(objectives))]);
    for slo in &objectives.slos {
        page.row(&format!("{} · {} % of {}", slo.title, slo.objective, slo.period.span()));
        page.shelf(
            12,
            [(8, meaning(objectives, slo)), (8, burn(objectives, slo)), (8, budget(objectives, slo))],
        );
    }
    dashboard.panels = page.done();
    dashboard
}

/// Firing alerts of a severity, by objective.
fn firing(objectives: &Objectives, severity: Severity) -> String {
    let service = &objectives.service;
    format!(
        "group by (service, slo) (ALERTS{{service=\"{service}\",alertstate=\"firing\",severity=\"{severity}\"}})"
    )
}

fn of_the_service(objectives: &Objectives, series: &str) -> String {
    format!("{series}{{service=\"{}\"}}", objectives.service)
}

fn state(objectives: &Objectives) -> Panel {
    let (page, ticket) = (firing(objectives, Severity::Page), firing(objectives, Severity::Ticket));
    // 2, 1 and 0 are names for what the mappings say.
    let expr =
        format!("({page} + 1) or {ticket} or 0 * {}", of_the_service(objectives, "slo:objective:ratio"));
    Draft::stat(
        "Now",
        "Each objective and the loudest alert that fires for it. Red: somebody was called; open its runbook (the row of \
         the objective below has the link). Orange: a ticket; it can wait until the morning. Green: nothing fires, which \
         does not mean that nothing is wrong: see the burn rates below. `none` stands for a program that does not answer.",
        Unit::State,
    )
    .asks(expr, "{{slo}}")
    .called(0, "quiet", GREEN)
    .called(1, "ticket", ORANGE)
    .called(2, "PAGE", RED)
    .named()
    .done()
}

fn targets(objectives: &Objectives) -> Panel {
    let jobs: Vec<_> = objectives.targets.iter().map(|target| target.job.as_str()).collect();
    let mut draft = Draft::stat(
        "Answering Prometheus",
        "Whether at least one process of each job could be scraped. Red: nothing else on this page can be believed for \
         it, as it shows the past; follow the runbook of the job's alert.",
        Unit::State,
    )
    .asks(format!("max by (job) (up{{job=~\"{}\"}})", jobs.join("|")), "{{job}}")
    .called(0, "DOWN", RED)
    .called(1, "up", GREEN)
    .named();
    for target in &objectives.targets {
        draft = draft.linked(&format!("Runbook: {}", target.alert), &objectives.runbook(&target.alert));
    }
    draft.done()
}

fn budgets(objectives: &Objectives) -> Panel {
    let remaining = of_the_service(objectives, "slo:period_error_budget_remaining:ratio");
    let unknown = of_the_service(objectives, "slo:objective:ratio");
    let draft = Draft::bars(
        "Budget left",
        "The share of each error budget that is left of its period. The period rolls: the budget never resets, bad minutes \
         leave it one by one as they grow older than the period. Below 0 the promise is broken, by as many budgets as the \
         number says. Unknown until there is data. The colours are the steps of the objective's policy: see its row for \
         what is done at each.",
        Unit::Share,
    )
    .asks(format!("{remaining} or on (service, slo) NaN * {unknown}"), "{{slo}}")
    .unknown("unknown")
    .between(Some(Decimal::ZERO), Some(Decimal::ONE));
    objectives.slos.iter().fold(draft, |draft, slo| draft.coloured_where(&slo.id, &by_policy(slo))).done()
}

/// From the last step of a policy upwards: each colour holds above its step.
fn by_policy(slo: &Slo) -> Thresholds {
    let colour = |gate| match gate {
        Gate::Open => YELLOW,
        Gate::Fixes => ORANGE,
        Gate::Closed => RED,
    };
    let steps: Vec<_> = slo.policy.iter().rev().collect();
    let above = steps.iter().skip(1).map(|step| colour(step.gate)).chain([GREEN]);
    let from: Vec<_> = steps.iter().map(|step| step.left / Decimal::ONE_HUNDRED).zip(above).collect();
    thresholds(steps.first().map_or(GREEN, |step| colour(step.gate)), &from)
}

/// How many times too fast the budget went within a window, and 0 where there were no events. The second is true: what
/// does not happen uses nothing up.
fn burn_rate(selector: &str, window: Span) -> String {
    format!(
        "slo:sli_error:ratio_rate{window}{selector} / on (service, slo) group_left () slo:error_budget:ratio{selector}\n\
         or on (service, slo)\n0 * slo:error_budget:ratio{selector}"
    )
}

fn burn_table(objectives: &Objectives) -> Panel {
    let mut tiers: Vec<(Span, Tier, Decimal)> = Vec::new();
    let mut windows: Vec<Span> = Vec::new();
    for slo in &objectives.slos {
        windows.extend(slo.windows());
        tiers.extend(slo.tiers.iter().flat_map(|tier| {
            let rate = tier.burn_rate(slo.period.span()).factor();
            [(tier.short, *tier, rate), (tier.long, *tier, rate)]
        }));
    }
    windows.sort();
    windows.dedup();
    let selector = format!("{{service=\"{}\"}}", objectives.service);
    let columns: Vec<_> =
        windows.iter().map(|window| (window.to_string(), burn_rate(&selector, *window))).collect();
    let draft = Draft::table(
        "Burn rate by window",
        "How many times too fast each budget goes: 1 uses it up exactly at the end of its period, 14.4 within two days of \
         a month. A window is red from the rate on that calls somebody, orange from the rate on that opens a ticket; an \
         alert fires when both windows of its pair are beyond it. High on the left only: it has just begun. High on the \
         right only: it is over, and the budget shows what it cost. 0 also where nothing was asked.",
        Unit::Times,
        "slo",
        &columns,
    )
    .on_colour();
    windows
        .iter()
        .fold(draft, |draft, window| draft.coloured_where(&window.to_string(), &by_tier(&tiers, *window)))
        .done()
}

/// The lowest rate of each severity that any objective watches this window with.
fn by_tier(tiers: &[(Span, Tier, Decimal)], window: Span) -> Thresholds {
    let lowest = |severity| {
        let rates = tiers.iter().filter(|(of, tier, _)| *of == window && tier.severity == severity);
        rates.map(|(.., rate)| *rate).min()
    };
    let mut from: Vec<_> = [(lowest(Severity::Ticket), ORANGE), (lowest(Severity::Page), RED)]
        .into_iter()
        .filter_map(|(rate, colour)| Some((rate?, colour)))
        .collect();
    from.sort_by_key(|(rate, _)| *rate);
    thresholds(GREEN, &from)
}

fn meaning(objectives: &Objectives, slo: &Slo) -> Panel {
    let Slo { id, objective, notices, owner, indicator_because, objective_because, .. } = slo;
    let mut text = format!(
        "**{notices}**\n\n`{id}`: {objective} % of {period}; {budget} % may be bad. Owner: {owner}.\n\n\
         {indicator_because}\n\n{objective_because}\n\n**As the budget shrinks**\n",
        period = slo.period.span(),
        budget = slo.budget(),
    );
    for step in &slo.policy {
        // Writing to a String can't fail.
        let _infallible = write!(text, "\n- {} % left: {}", step.left.normalize(), step.action);
    }
    let alert = slo.alert();
    let _infallible = write!(text, "\n\n[Runbook: {alert}]({})", objectives.runbook(&alert));
    Draft::words(
        "What it means",
        "What is promised, why it is measured like this, and what is agreed on as the budget shrinks.",
        &text,
    )
}

fn burn(objectives: &Objectives, slo: &Slo) -> Panel {
    let selector = slo.labels(&objectives.service);
    let rate = |tier: &Tier| tier.burn_rate(slo.period.span()).factor();
    let colour = |severity| match severity {
        Severity::Page => RED,
        Severity::Ticket => ORANGE,
    };
    let mut from: Vec<_> = slo.tiers.iter().map(|tier| (rate(tier), colour(tier.severity))).collect();
    from.sort_by_key(|(rate, _)| *rate);
    from.dedup_by_key(|(rate, _)| *rate);
    let mut draft = Draft::lines(
        "Burn rate",
        "How many times too fast the budget goes, over each window in which it is watched. The dashes are the rates at \
         which alerts fire: red calls somebody, orange opens a ticket. The shortest window shows what happens now, the \
         longest what it adds up to. 0 also where nothing was asked. When it rises: open the runbook, then the dashboard \
         `service` at the same time.",
        Unit::Times,
    )
    .coloured(thresholds(GREEN, &from))
    .logarithmic();
    for window in slo.windows() {
        draft = draft.asks(burn_rate(&selector, window), &format!("last {window}"));
    }
    let alert = slo.alert();
    draft.linked(&format!("Runbook: {alert}"), &objectives.runbook(&alert)).done()
}

fn budget(objectives: &Objectives, slo: &Slo) -> Panel {
    let selector = slo.labels(&objectives.service);
    let alert = slo.alert();
    Draft::lines(
        "Budget left, and how much of the period is known",
        "The rolling budget never resets: it comes back only as bad minutes grow older than the period. Below 0 the \
         promise is broken. The dashes are the steps of the policy. As long as the known share of the period is small, so \
         is the meaning of the budget.",
        Unit::Share,
    )
    .between(None, Some(Decimal::ONE))
    .asks(format!("slo:period_error_budget_remaining:ratio{selector}"), "budget left")
    .asks(
        format!("slo:period_coverage:ratio{selector}\nor on (service, slo)\n0 * slo:objective:ratio{selector}"),
        "share of the period that is known",
    )
    .coloured(by_policy(slo))
    .linked(&format!("Runbook: {alert}"), &objectives.runbook(&alert))
    .done()
}
