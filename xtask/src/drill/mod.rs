//! Game days: something of the local stack is broken, its alert comes, somebody follows the alert's page, and it is over
//! when every objective is good again. With hours as minutes.
//!
//! What is broken, and how, stands in `runbooks/drills.md`; what mends it, on the page of the alert. Must never mend
//! anything by itself: the page has to.

mod times;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use self::times::Times;
use crate::outcome::Outcome;
use crate::runbooks::{self, Block, Pages, Variables};
use crate::stack::{Alert, Calls, Kind, Ports, Rule, Serving, Setup, Stack};
use crate::workspace::Workspace;
use crate::{tools, wait};

/// The page of the drills.
const PAGE: &str = "drills.md";

/// An hour is a minute.
const COMPRESSION: u32 = 60;

/// Requests a second, by route.
const RATE: f64 = 20.0;

/// The stack, and what moves the clock of what it serves.
pub(crate) const NEEDS: &[&str] = &["prometheus", "prometheus-alertmanager", "otelcol", "faketime"];

/// How often Alertmanager and Prometheus are asked.
const PAUSE: Duration = Duration::from_millis(100);

/// Longer than an alert takes to come, and a script's commands to help.
const LIMIT: Duration = Duration::from_secs(60);

/// Yields a value when every objective has one and none is bad, and all that is watched is there.
const ALL_GOOD: &str =
    "(count(slo:current_burn_rate:ratio <= 1) == count(slo:objective:ratio)) unless on() up == 0";

/// Which drills, and who follows the pages.
#[derive(Debug, Args)]
pub(crate) struct DrillOptions {
    /// Their names; without one, all are listed
    names: Vec<String>,
    /// Have a script type what the page says under Mitigation, in place of a person
    #[arg(long)]
    scripted: bool,
    /// Keep the times in runbooks/data/drills.json, from which the page's table is made
    #[arg(long, requires = "names")]
    record: bool,
}

/// Something to break.
#[derive(Debug)]
struct Drill<'a> {
    name: &'a str,
    /// What comes of it.
    alert: &'a str,
    /// What breaks it.
    fault: &'a Block,
}

/// Who follows the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hands {
    Person,
    Script,
}

impl DrillOptions {
    /// What was typed.
    fn command(&self) -> String {
        let scripted = if self.scripted { " --scripted" } else { "" };
        format!("cargo xtask drill {}{scripted} --record", self.names.join(" "))
    }
}

pub(crate) fn run(workspace: &Workspace, options: &DrillOptions) -> anyhow::Result<()> {
    let pages = runbooks::pages(workspace)?;
    let mut drills = drills(&pages)?;
    if options.names.is_empty() {
        for Drill { name, alert, .. } in drills {
            println!("{name:<20} {alert}");
        }
        return Ok(());
    }
    for name in &options.names {
        ensure!(
            drills.iter().any(|drill| drill.name == name),
            "there is no drill `{name}`; `cargo xtask drill` lists them"
        );
    }
    drills.retain(|drill| options.names.iter().any(|name| drill.name == name));
    tools::ensure(workspace, NEEDS)?;
    let hands = if options.scripted { Hands::Script } else { Hands::Person };
    let times = hold(workspace, &pages, &drills, Ports::Usual, hands)?;
    if options.record {
        times::record(workspace, options.command(), times)?;
    }
    Ok(())
}

/// Every drill in turn, followed by a script.
pub(crate) fn all(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let pages = runbooks::pages(workspace)?;
    hold(workspace, &pages, &drills(&pages)?, Ports::Free, Hands::Script)?;
    Ok(Outcome::Passed)
}

/// What comes of some drill.
pub(crate) fn alerts(pages: &Pages) -> anyhow::Result<BTreeSet<&str>> {
    Ok(drills(pages)?.into_iter().map(|drill| drill.alert).collect())
}

/// The blocks of the page that break something: the alert stands behind the fence, the name is that of the section.
fn drills(pages: &Pages) -> anyhow::Result<Vec<Drill<'_>>> {
    let page = pages.get(PAGE).with_context(|| format!("no page {PAGE}"))?;
    let mut drills: Vec<_> =
        page.faults().map(|(alert, fault)| Drill { name: &fault.section, alert, fault }).collect();
    ensure!(!drills.is_empty(), "{PAGE} has no block `sh fault ALERT`");
    drills.sort_by_key(|drill| drill.fault.line);
    Ok(drills)
}

fn hold(
    workspace: &Workspace,
    pages: &Pages,
    drills: &[Drill<'_>],
    ports: Ports,
    hands: Hands,
) -> anyhow::Result<Vec<Times>> {
    let real_time = Setup::real_time(ports);
    let setup = Setup {
        compression: COMPRESSION,
        probe_interval: Duration::from_millis(250),
        connection_age: real_time.connection_age / COMPRESSION,
        can_be_broken: true,
        ..real_time
    };
    let serving = Serving::start(workspace, setup)?;
    let clients = serving.call(workspace, &[Calls::of(Kind::Predict, RATE), Calls::of(Kind::Infer, RATE)])?;
    let data = Stack::data(&serving);
    let stack = Stack::watch(workspace, serving, setup, &data)?;
    let variables = Variables::write(workspace, &stack.serving, &stack.prometheus.samples)?;
    stack.is_scraped()?;
    if hands == Hands::Person {
        println!(
            "Prometheus is at http://{}. In another terminal, at the root of the repository:\n\n  . {}\n",
            stack.serving.addresses.prometheus,
            variables.file.display()
        );
    }
    let day = GameDay { workspace, pages, stack: &stack, variables: &variables, hands };
    day.is_good()?;
    let times = drills.iter().map(|drill| day.hold(drill)).collect::<anyhow::Result<_>>()?;
    drop(clients);
    stack.serving.stop()?;
    Ok(times)
}

/// What a drill is held with.
#[derive(Debug)]
struct GameDay<'a> {
    workspace: &'a Workspace,
    pages: &'a Pages,
    stack: &'a Stack,
    variables: &'a Variables,
    hands: Hands,
}

impl GameDay<'_> {
    fn hold(&self, drill: &Drill<'_>) -> anyhow::Result<Times> {
        let Drill { name, alert, fault } = *drill;
        let severity = self.severity(alert)?;
        // Who still is called for a fault before would not be called again.
        wait::until_every(PAUSE, &format!("{alert} of before to be over"), LIMIT, || {
            Ok(self.call(alert, severity)?.is_none().then_some(()))
        })?;
        println!("{name}: something breaks now");
        self.variables.type_in(self.workspace, fault).with_context(|| format!("{PAGE}:{}", fault.line))?;
        let begun = Instant::now();
        let page = self.detected(alert, severity)?;
        let detected = begun.elapsed();
        self.follow(&page).with_context(|| format!("{name}: runbooks/{page}"))?;
        self.is_good().with_context(|| format!("{name}: runbooks/{page} was followed"))?;
        let mitigated = begun.elapsed();
        println!(
            "{name}: seen after {:.1} s, all good after {:.1} s",
            detected.as_secs_f64(),
            mitigated.as_secs_f64()
        );
        Ok(Times::new(name, alert, detected, mitigated))
    }

    /// By which somebody is called for the alert: at once, if anybody is.
    fn severity(&self, alert: &str) -> anyhow::Result<&'static str> {
        let rules = self.stack.prometheus.rules()?;
        let is_page = |rule: &Rule| rule.labels.get("severity").is_some_and(|severity| severity == "page");
        let pages = rules.iter().any(|rule| rule.name == alert && is_page(rule));
        Ok(if pages { "page" } else { "ticket" })
    }

    /// The alert, while somebody is called for it.
    fn call(&self, alert: &str, severity: &str) -> anyhow::Result<Option<Alert>> {
        let mut alerts = self.stack.alertmanager.alerts()?.into_iter();
        Ok(alerts.find(|seen| seen.label("alertname") == alert && seen.label("severity") == severity))
    }

    /// The page that the alert leads to, once it has come.
    fn detected(&self, alert: &str, severity: &str) -> anyhow::Result<String> {
        let seen = wait::until_every(PAUSE, alert, LIMIT, || self.call(alert, severity))?;
        let said = |name| seen.annotations.get(name).map_or("", String::as_str);
        println!("{alert}: {}\n{}\n{}", said("summary"), said("description"), said("runbook_url"));
        let (_, page) = said("runbook_url").rsplit_once('/').context("an alert without a page")?;
        Ok(page.to_owned())
    }

    fn follow(&self, page: &str) -> anyhow::Result<()> {
        if self.hands == Hands::Person {
            println!("follow runbooks/{page}; it is over when every objective is good again");
            return Ok(());
        }
        let page = self.pages.get(page).context("there is no such page")?;
        page.ask(&self.stack.prometheus)?;
        let mut typed = 0;
        for command in page.commands.iter().filter(|command| command.section == "Mitigation") {
            self.variables
                .type_in(self.workspace, command)
                .with_context(|| format!("line {}", command.line))?;
            typed += 1;
        }
        ensure!(typed > 0, "no block `sh run` under Mitigation");
        Ok(())
    }

    /// Waits until no objective burns faster than it may; for a person as long as it takes.
    fn is_good(&self) -> anyhow::Result<()> {
        let limit = if self.hands == Hands::Person { Duration::MAX } else { LIMIT };
        let good = wait::until_every(PAUSE, "every objective to be good", limit, || {
            Ok(self.stack.prometheus.value(ALL_GOOD)?.map(drop))
        });
        let Err(error) = good else { return Ok(()) };
        let mut bad = String::new();
        for burning in self.stack.prometheus.query("slo:current_burn_rate:ratio > 1")? {
            let _infallible = write!(bad, " {}", burning.labels.get("slo").map_or("", String::as_str));
        }
        bail!("{error:#}; bad are:{bad}");
    }
}
