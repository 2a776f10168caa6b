//! What happens to a version on its way: what follows from what. Runs nothing itself.
//!
//! Must never promote on less than a pass, and never end without saying in what state the cluster is.

use std::fmt;

use super::gate::Answer;

/// What is done to a cluster. An error is a step that didn't come true.
pub(super) trait Steps {
    /// Whether the budgets allow a delivery at all.
    fn budget(&mut self) -> anyhow::Result<Answer>;
    /// Starts the canary beside the stable version, and waits until it is ready.
    fn start_canary(&mut self) -> anyhow::Result<()>;
    /// Watches the canary under load, for as long as it takes.
    fn watch(&mut self) -> anyhow::Result<Answer>;
    /// Makes it the only version.
    fn promote(&mut self) -> anyhow::Result<()>;
    /// Makes everything as it was before the canary.
    fn restore(&mut self) -> anyhow::Result<()>;
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is the only version.
    Promoted,
    /// Nothing was touched, and why.
    Refused(String),
    /// Everything is as before, and why.
    RolledBack(String),
    /// It should be as before and is not.
    Stuck { because: String, but: String },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promoted => f.write_str("promoted: it is the only version"),
            Self::Refused(reason) => write!(f, "refused, nothing was touched: {reason}"),
            Self::RolledBack(reason) => write!(f, "rolled back, all is as before: {reason}"),
            Self::Stuck { because, but } => {
                write!(
                    f,
                    "NOT rolled back, though it should be ({because}): {but} (infra/README.md, Rollback)"
                )
            }
        }
    }
}

/// Takes a version all the way, or back.
pub(super) fn roll_out(steps: &mut impl Steps) -> Ended {
    if let Some(reason) = objection("the budgets", steps.budget()) {
        return Ended::Refused(reason);
    }
    let objection = match steps.start_canary() {
        Err(error) => Some(format!("the canary did not get ready: {error:#}")),
        Ok(()) => objection("the canary's gate", steps.watch())
            .or_else(|| steps.promote().err().map(|error| format!("it could not be promoted: {error:#}"))),
    };
    let Some(because) = objection else { return Ended::Promoted };
    match steps.restore() {
        Ok(()) => Ended::RolledBack(because),
        Err(error) => Ended::Stuck { because, but: format!("{error:#}") },
    }
}

/// Why not to go on; none only where the answer is a pass.
fn objection(whose: &str, answer: anyhow::Result<Answer>) -> Option<String> {
    match answer {
        Ok(Answer::Pass) => None,
        Ok(Answer::Fail(words)) => Some(format!("{whose} said no:\n{words}")),
        Ok(Answer::NoData(words)) => Some(format!("{whose} could not say, which is no pass:\n{words}")),
        Err(error) => Some(format!("{whose} could not be asked: {error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use rstest::rstest;

    use super::*;

    /// A cluster in which each step goes as it is told, and which notes what was asked of it.
    struct Told {
        goes: Goes,
        asked: Vec<&'static str>,
    }

    #[derive(Clone, Copy)]
    struct Goes {
        budget: fn() -> anyhow::Result<Answer>,
        canary: fn() -> anyhow::Result<()>,
        watch: fn() -> anyhow::Result<Answer>,
        promote: fn() -> anyhow::Result<()>,
        restore: fn() -> anyhow::Result<()>,
    }

    const WELL: Goes = Goes {
        budget: || Ok(Answer::Pass),
        canary: || Ok(()),
        watch: || Ok(Answer::Pass),
        promote: || Ok(()),
        restore: || Ok(()),
    };

    impl Steps for Told {
        fn budget(&mut self) -> anyhow::Result<Answer> {
            self.asked.push("budget");
            (self.goes.budget)()
        }
        fn start_canary(&mut self) -> anyhow::Result<()> {
            self.asked.push("canary");
            (self.goes.canary)()
        }
        fn watch(&mut self) -> anyhow::Result<Answer> {
            self.asked.push("watch");
            (self.goes.watch)()
        }
        fn promote(&mut self) -> anyhow::Result<()> {
            self.asked.push("promote");
            (self.goes.promote)()
        }
        fn restore(&mut self) -> anyhow::Result<()> {
            self.asked.push("restore");
            (self.goes.restore)()
        }
    }

    fn no() -> anyhow::Result<Answer> {
        Ok(Answer::Fail("api-availability burns".to_owned()))
    }

    fn nobody_knows() -> anyhow::Result<Answer> {
        Ok(Answer::NoData("3 requests".to_owned()))
    }

    fn nobody_answers() -> anyhow::Result<Answer> {
        bail!("connection refused")
    }

    fn in_vain() -> anyhow::Result<()> {
        bail!("timed out")
    }

    #[rstest]
    #[case::good(WELL, "budget canary watch promote", "promoted")]
    #[case::no_budget_left(Goes { budget: no, ..WELL }, "budget", "refused, nothing was touched: the budgets said no")]
    #[case::budget_unknown(Goes { budget: nobody_knows, ..WELL }, "budget", "refused, nothing was touched: the budgets could not say")]
    #[case::nobody_to_ask(Goes { budget: nobody_answers, ..WELL }, "budget", "refused, nothing was touched: the budgets could not be asked: connection refused")]
    #[case::never_ready(Goes { canary: in_vain, ..WELL }, "budget canary restore", "rolled back, all is as before: the canary did not get ready: timed out")]
    #[case::burning(Goes { watch: no, ..WELL }, "budget canary watch restore", "rolled back, all is as before: the canary's gate said no:\napi-availability burns")]
    #[case::no_data(Goes { watch: nobody_knows, ..WELL }, "budget canary watch restore", "rolled back, all is as before: the canary's gate could not say, which is no pass:\n3 requests")]
    #[case::prometheus_is_gone(Goes { watch: nobody_answers, ..WELL }, "budget canary watch restore", "rolled back")]
    #[case::good_but_not_everywhere(Goes { promote: in_vain, ..WELL }, "budget canary watch promote restore", "rolled back, all is as before: it could not be promoted")]
    #[case::no_way_back(Goes { watch: no, restore: in_vain, ..WELL }, "budget canary watch restore", "NOT rolled back")]
    fn only_a_canary_that_passes_is_promoted(#[case] goes: Goes, #[case] asked: &str, #[case] ends: &str) {
        let mut told = Told { goes, asked: vec![] };
        let ended = roll_out(&mut told).to_string();
        assert!(ended.starts_with(ends), "{ended}");
        assert_eq!(told.asked.join(" "), asked);
    }
}
