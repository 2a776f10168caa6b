//! What happened when: the faults that were made, and what Alertmanager showed meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::forecast::Fault;
use crate::stack::{Stack, seconds_since_1970 as now};

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

/// Faults and looks, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) faults: Vec<(Kind, Fault)>,
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
        stack.serving.admin().put("/fault", &fault(fail, slow, wrong))?;
        let from = now();
        self.look_until(stack, from + seconds)?;
        stack.serving.admin().put("/fault", &fault(0.0, 0.0, 0.0))?;
        // What is late is counted when it is answered.
        let later = if kind == Kind::Slow { SLOW_SECONDS } else { 0.0 };
        self.faults.push((kind, Fault { from: from + later, to: now() + later, share }));
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
