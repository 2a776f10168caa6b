//! What happened when: the faults that were made, and what Alertmanager showed meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::forecast::Fault;
use crate::stack::{Http, Stack, seconds_since_1970 as now};

/// How often Alertmanager is asked. What arrives is seen so much later at most.
const PAUSE: Duration = Duration::from_millis(40);

/// How long an answer is held back by a fault: beyond every objective's threshold, within every time-out.
const SLOW_SECONDS: f64 = 0.2;

/// What a fault does to the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They are 500.
    Fail,
    /// They are late.
    Slow,
    /// They are another class.
    Wrong,
}

/// The name of an alert and its long window.
pub(super) type Name = (String, String);

/// One look at an alert in Alertmanager.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) at: f64,
    pub(super) slo: String,
    pub(super) severity: String,
    pub(super) is_inhibited: bool,
    pub(super) receivers: Vec<String>,
    pub(super) runbook: String,
}

/// A fault that was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) kind: Kind,
    /// What of the answers of each route was bad.
    pub(super) fault: Fault,
    /// What of the prober's answers was: every tenth answer of a route is spoilt, and whose that is is chance.
    pub(super) of_the_probers: Fault,
}

/// Faults and looks, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) faults: Vec<Made>,
    pub(super) looks: BTreeMap<Name, Vec<Look>>,
}

impl Timeline {
    /// Has a share of the answers be bad for so long.
    pub(super) fn fault(
        &mut self,
        stack: &Stack,
        kind: Kind,
        share: f64,
        seconds: f64,
    ) -> anyhow::Result<()> {
        let (fail, slow, wrong) = match kind {
            Kind::Fail => (share, 0.0, 0.0),
            Kind::Slow => (0.0, share, 0.0),
            Kind::Wrong => (0.0, 0.0, share),
        };
        let fault = |fail, slow, wrong| json!({"fail": fail, "slow": slow, "slow_seconds": SLOW_SECONDS, "wrong": wrong});
        println!("    {kind:?} {share} for {seconds} s");
        let before = Answers::read(stack)?;
        stack.serving.admin().put("/fault", &fault(fail, slow, wrong))?;
        let from = now();
        self.look_until(stack, from + seconds)?;
        stack.serving.admin().put("/fault", &fault(0.0, 0.0, 0.0))?;
        // What is late is counted when it is answered.
        let later = if kind == Kind::Slow { SLOW_SECONDS } else { 0.0 };
        let fault = Fault { from: from + later, to: now() + later, share };
        let of_the_probers = Fault { share: Answers::read(stack)?.since(before).share(kind), ..fault };
        self.faults.push(Made { kind, fault, of_the_probers });
        Ok(())
    }

    /// Looks at Alertmanager for so long.
    pub(super) fn look(&mut self, stack: &Stack, seconds: f64) -> anyhow::Result<()> {
        self.look_until(stack, now() + seconds)
    }

    /// Looks at Alertmanager until the alert is there, or is not.
    pub(super) fn look_for(&mut self, stack: &Stack, alert: &str, is_there: bool) -> anyhow::Result<f64> {
        let begun = now();
        loop {
            let seen = self.look_once(stack)?;
            if seen.iter().any(|(name, _)| name == alert) == is_there {
                return Ok(now() - begun);
            }
            anyhow::ensure!(now() - begun < 60.0, "waited a minute for {alert} to be {is_there}");
            std::thread::sleep(PAUSE);
        }
    }

    fn look_until(&mut self, stack: &Stack, end: f64) -> anyhow::Result<()> {
        while now() < end {
            self.look_once(stack)?;
            std::thread::sleep(PAUSE.min(Duration::from_secs_f64((end - now()).max(0.0))));
        }
        Ok(())
    }

    fn look_once(&mut self, stack: &Stack) -> anyhow::Result<Vec<Name>> {
        let alerts = stack.alertmanager.alerts()?;
        let at = now();
        let mut names = Vec::new();
        for alert in alerts {
            let look = Look {
                at,
                slo: alert.label("slo").to_owned(),
                severity: alert.label("severity").to_owned(),
                is_inhibited: alert.is_inhibited(),
                receivers: alert.receivers().map(str::to_owned).collect(),
                runbook: alert.annotations.get("runbook_url").cloned().unwrap_or_default(),
            };
            let name = (alert.label("alertname").to_owned(), alert.label("long").to_owned());
            names.push(name.clone());
            self.looks.entry(name).or_default().push(look);
        }
        Ok(names)
    }
}

/// What the prober got so far.
#[derive(Debug, Clone, Copy)]
struct Answers {
    right: f64,
    wrong: f64,
    failed: f64,
}

impl Answers {
    fn read(stack: &Stack) -> anyhow::Result<Self> {
        let page = Http::to(stack.serving.addresses.probe).text("/metrics")?;
        let count = |result: &str| {
            let label = format!("result=\"{result}\"");
            let of_result = |line: &&str| line.starts_with("probe_answers_total{") && line.contains(&label);
            let values = page
                .lines()
                .filter(of_result)
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.sum()
        };
        Ok(Self { right: count("right"), wrong: count("wrong"), failed: count("failed") })
    }

    fn since(self, before: Self) -> Self {
        Self {
            right: self.right - before.right,
            wrong: self.wrong - before.wrong,
            failed: self.failed - before.failed,
        }
    }

    /// What of them is bad for the objective that minds this kind of fault.
    fn share(self, kind: Kind) -> f64 {
        let Self { right, wrong, failed } = self;
        match kind {
            Kind::Fail => failed / (right + wrong + failed).max(1.0),
            Kind::Wrong => wrong / (right + wrong).max(1.0),
            Kind::Slow => 0.0,
        }
    }
}
