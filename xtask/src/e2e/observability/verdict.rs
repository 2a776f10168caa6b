//! What fired against what was to fire: each alert of each objective, at the computed time or not at all.

use anyhow::{Context as _, bail, ensure};
use comfy_table::{Table, presets};
use serde::Deserialize;

use super::forecast::{Fault, Firing, TIERS, Tier};
use super::timeline::{Kind, Look, Made, Name, Timeline};
use crate::stack::{Prometheus, Stack};
use crate::workspace::Workspace;

/// The source of targets and names.
const DEFINITIONS: &str = "slo/definitions/inference.yaml";

/// The job that scrapes the prober.
const PROBER: &str = "inference-probe";

/// Faults strike whole requests: the one that tips the scale comes so much sooner or later, in seconds of this machine.
const ONE_REQUEST: f64 = 0.15;

/// The same for the prober, which asks four times a second, and whose second wrong answer is the first that counts.
const ONE_PROBE: f64 = 0.5;

/// From the time that a sample bears to when rules can see it, in seconds of this machine.
const INGESTION: f64 = 0.1;

/// How finely Prometheus is asked from when to when an alert fired, in seconds.
const STEP: f64 = 0.025;

/// From Prometheus, once an alert fires, to a look at Alertmanager, in seconds of this machine: no time is compressed
/// within a program.
const DELIVERY: f64 = 1.0;

#[derive(Debug, Deserialize)]
struct Definitions {
    objectives: Vec<Objective>,
}

/// An objective, as far as a forecast needs it.
#[derive(Debug, Deserialize)]
pub(super) struct Objective {
    pub(super) id: String,
    objective: String,
}

/// All of them.
pub(super) fn objectives(workspace: &Workspace) -> anyhow::Result<Vec<Objective>> {
    let text = std::fs::read_to_string(workspace.path(DEFINITIONS)).context(DEFINITIONS)?;
    let Definitions { objectives } = serde_saphyr::from_str(&text).context(DEFINITIONS)?;
    Ok(objectives)
}

impl Objective {
    /// `ApiAvailabilityBurn` of `api-availability`.
    pub(super) fn alert(&self) -> String {
        let mut name: String = self.id.split('-').map(capitalised).collect();
        name.push_str("Burn");
        name
    }

    fn budget(&self) -> anyhow::Result<f64> {
        let percent: f64 = self.objective.parse().with_context(|| self.id.clone())?;
        Ok((100.0 - percent) / 100.0)
    }

    /// Who counts its events.
    fn job(&self) -> &'static str {
        match self.id.as_str() {
            "front-door-availability" | "answer-correctness" => PROBER,
            _ => "inference",
        }
    }

    /// The fault, as who counts its events met it.
    fn sees(&self, made: &Made) -> Fault {
        if self.job() == PROBER { made.of_the_probers } else { made.fault }
    }

    /// Whether answers with this fault are bad ones.
    fn minds(&self, kind: Kind) -> anyhow::Result<bool> {
        Ok(match self.id.as_str() {
            "api-availability" | "infer-availability" | "front-door-availability" => kind == Kind::Fail,
            "api-latency" | "infer-latency" => kind != Kind::Wrong,
            "answer-correctness" => kind == Kind::Wrong,
            "crl-freshness" | "jwks-freshness" => false,
            other => bail!("nobody has said which faults the objective {other} minds"),
        })
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Holds what fired until `end` against the forecast. Prints both.
///
/// # Errors
/// All that differs.
pub(super) fn judge(
    workspace: &Workspace,
    stack: &Stack,
    timeline: &Timeline,
    begin: f64,
    end: f64,
) -> anyhow::Result<()> {
    let factor = f64::from(stack.configuration.compression());
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["alert", "long", "fires", "late", "clears", "late", "arrives"]);
    let mut wrong = Vec::new();
    for objective in objectives(workspace)? {
        let faults = timeline
            .faults
            .iter()
            .filter_map(|made| {
                objective.minds(made.kind).map(|minds| minds.then(|| objective.sees(made))).transpose()
            })
            .collect::<anyhow::Result<Vec<Fault>>>()?;
        let clock = Clock::read(&stack.prometheus, &objective, (begin, end))?;
        for tier in TIERS.map(|tier| tier.compressed(factor)) {
            let name = (objective.alert(), tier.long.to_owned());
            let forecast = tier.firings(objective.budget()?, &faults, end);
            let fired = fired(&stack.prometheus, &name, (begin, end))?;
            if forecast.len() != fired.len() {
                wrong.push(format!("{name:?}: {fired:?} instead of {forecast:?}"));
                continue;
            }
            let looks = timeline.looks.get(&name).map_or(&[][..], Vec::as_slice);
            for (&expected, &fired) in forecast.iter().zip(&fired) {
                let arrival = looks.iter().map(|look| look.at).find(|at| *at >= fired.from);
                let compared = Compared { expected, fired, arrival, is_over: expected.to < end };
                compared.row(&mut table, &name, begin);
                wrong.extend(compared.faults(&name, &tier, &clock));
            }
            wrong.extend(looks.iter().filter_map(|look| look.fault(&tier, &objective.id)).take(1));
        }
    }
    println!("{}", table.trim_fmt());
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// From when to when an alert fired, as Prometheus kept it.
fn fired(prometheus: &Prometheus, (alert, long): &Name, range: (f64, f64)) -> anyhow::Result<Vec<Firing>> {
    let firing = format!("ALERTS{{alertname=\"{alert}\",long=\"{long}\",alertstate=\"firing\"}}");
    let mut firings: Vec<Firing> = Vec::new();
    for sample in prometheus.range(&firing, range, STEP)? {
        match firings.last_mut() {
            Some(last) if sample.time < last.to + STEP / 2.0 => last.to = sample.time + STEP,
            _ => firings.push(Firing { from: sample.time, to: sample.time + STEP }),
        }
    }
    Ok(firings)
}

/// When Prometheus scraped what an objective counts, and when it evaluated its rules: on a machine that has too much to
/// do, less often than it was told.
#[derive(Debug)]
struct Clock {
    scrapes: Vec<f64>,
    evaluations: Vec<f64>,
    slack: f64,
}

impl Clock {
    fn read(
        prometheus: &Prometheus,
        objective: &Objective,
        (begin, end): (f64, f64),
    ) -> anyhow::Result<Self> {
        let (job, id) = (objective.job(), &objective.id);
        let times = |series: String| -> anyhow::Result<Vec<f64>> {
            let samples = prometheus.query(&format!("{series}[{:.0}s] @ {end:.3}", (end - begin).ceil()))?;
            Ok(samples.into_iter().map(|sample| sample.time).collect())
        };
        Ok(Self {
            scrapes: times(format!("up{{job=\"{job}\"}}"))?,
            evaluations: times(format!("slo:objective:ratio{{slo=\"{id}\"}}"))?,
            slack: if job == PROBER { ONE_PROBE } else { ONE_REQUEST },
        })
    }

    /// When the rules know what is so from `at` on, at the latest: after a scrape and an evaluation.
    fn known(&self, at: f64) -> f64 {
        let scraped = after(&self.scrapes, at + self.slack);
        after(&self.evaluations, scraped + INGESTION)
    }

    /// How long Prometheus did not scrape around this time.
    fn gap(&self, at: f64) -> f64 {
        let before = self.scrapes.iter().rev().find(|scrape| **scrape <= at);
        before.map_or(0.0, |before| after(&self.scrapes, at) - before)
    }
}

/// The first of these times that is not before `at`.
fn after(times: &[f64], at: f64) -> f64 {
    times.iter().copied().find(|time| *time >= at).unwrap_or(f64::INFINITY)
}

/// One firing that was expected, and the one that came.
#[derive(Debug)]
struct Compared {
    expected: Firing,
    fired: Firing,
    arrival: Option<f64>,
    /// Whether it is over by now.
    is_over: bool,
}

impl Compared {
    fn row(&self, table: &mut Table, (alert, long): &Name, begin: f64) {
        let seconds = |value: f64| format!("{value:.2} s");
        let (to, late) = if self.is_over {
            (seconds(self.expected.to - begin), seconds(self.fired.to - self.expected.to))
        } else {
            ("later".to_owned(), String::new())
        };
        let arrives = self.arrival.map_or_else(|| "never".to_owned(), |at| seconds(at - self.fired.from));
        table.add_row([
            alert.clone(),
            long.clone(),
            seconds(self.expected.from - begin),
            seconds(self.fired.from - self.expected.from),
            to,
            late,
            arrives,
        ]);
    }

    fn faults(&self, name: &Name, tier: &Tier, clock: &Clock) -> Vec<String> {
        let Self { expected, fired, .. } = self;
        let mut faults = Vec::new();
        let pending = clock.known(expected.from - tier.hold);
        let latest = after(&clock.evaluations, pending + tier.hold - INGESTION) + STEP;
        if !(expected.from - clock.slack..=latest).contains(&fired.from) {
            let (late, most) = (fired.from - expected.from, latest - expected.from);
            faults
                .push(format!("{name:?} fired {late:.2} s late; a scrape and an evaluation are {most:.2} s"));
        }
        // What came between two scrapes is lost with the first of them: a window is as much shorter at its old end.
        let earliest = expected.to - clock.slack - clock.gap(expected.to - tier.short_seconds);
        let latest = clock.known(expected.to) + STEP;
        if self.is_over && !(earliest..=latest).contains(&fired.to) {
            let (late, most) = (fired.to - expected.to, latest - expected.to);
            faults.push(format!(
                "{name:?} cleared {late:.2} s late; a scrape and an evaluation are {most:.2} s"
            ));
        }
        if !self.arrival.is_some_and(|at| at - fired.from <= DELIVERY) {
            faults.push(format!("{name:?} did not reach Alertmanager in time: {self:?}"));
        }
        faults
    }
}

impl Look {
    /// What is wrong with an alert of this tier, if something is.
    fn fault(&self, tier: &Tier, slo: &str) -> Option<String> {
        let is_right = self.slo == slo
            && self.severity == tier.severity
            && self.receivers == [tier.severity]
            && self.runbook.ends_with(".md")
            && !(self.is_inhibited && tier.severity == "page");
        (!is_right).then(|| format!("an alert of {slo}, {}, is {self:?}", tier.long))
    }
}

/// While an objective has somebody called, its tickets are held back, and only then. At least one was.
pub(super) fn tickets_wait_for_pages(timeline: &Timeline) -> anyhow::Result<()> {
    let pages: Vec<&Look> =
        timeline.looks.values().flatten().filter(|look| look.severity == "page").collect();
    let (mut held, mut free) = (0, 0);
    for ticket in
        timeline.looks.values().flatten().filter(|look| look.severity == "ticket" && look.slo != "none")
    {
        // Of the same answer of Alertmanager.
        #[expect(clippy::float_cmp, reason = "copies of one number")]
        let has_page = pages.iter().any(|page| page.at == ticket.at && page.slo == ticket.slo);
        ensure!(has_page == ticket.is_inhibited, "beside a page: {has_page}, {ticket:?}");
        if ticket.is_inhibited { held += 1 } else { free += 1 }
    }
    println!("    tickets seen: {held} held back by a page, {free} on their own");
    ensure!(held > 0, "no ticket was held back by a page");
    Ok(())
}
