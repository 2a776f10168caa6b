//! Three days that never were: the same traffic as now, written into Prometheus' storage before it starts, so that long
//! windows are as full as they are on any other day.
//!
//! Counters only. Must never write a sample that is younger than the first scrape.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use xshell::cmd;

use crate::workspace::Workspace;

/// What the objectives count.
const COUNTED: [&str; 2] = ["http_server_request_duration_seconds", "probe_answers_total"];

/// What did not happen in the past: it was good and fast, or the faults that are made now would not be the first ones.
const BAD: [&str; 5] = [
    "error_source=\"server\"",
    "error_source=\"dependency\"",
    "result=\"failed\"",
    "result=\"wrong\"",
    "result=\"refused\"",
];

/// Somewhat more than the longest window of an alert, in seconds of real time.
const LENGTH: f64 = 3.1 * 86_400.0;

/// The windows in which rates are taken of few samples.
const DENSE: f64 = 6.2 * 3_600.0;

/// A page of metrics, and what Prometheus makes of its series.
#[derive(Debug)]
pub(super) struct Page {
    /// The job that scrapes it.
    pub(super) job: &'static str,
    /// The address that it is scraped at.
    pub(super) instance: String,
    /// As it was when the traffic had begun.
    pub(super) before: String,
    /// As it was later.
    pub(super) after: String,
    /// How much later, in seconds.
    pub(super) between: f64,
    /// When its counters began, in seconds since 1970.
    pub(super) begun: f64,
}

/// Writes the history of these pages into the folder of a Prometheus that has not started yet.
pub(super) fn write(
    workspace: &Workspace,
    pages: &[Page],
    compression: f64,
    folder: &Path,
    samples: &Path,
) -> anyhow::Result<()> {
    let mut text = String::new();
    for page in pages {
        page.write(compression, &mut text)?;
    }
    text.push_str("# EOF\n");
    let file = folder.join("history.txt");
    std::fs::write(&file, text)?;
    let (shell, promtool) = (workspace.shell()?, workspace.tool("promtool"));
    cmd!(shell, "{promtool} tsdb create-blocks-from openmetrics --quiet {file} {samples}").quiet().run()?;
    Ok(())
}

impl Page {
    fn write(&self, compression: f64, text: &mut String) -> anyhow::Result<()> {
        let (before, after) = (counters(&self.before)?, counters(&self.after)?);
        ensure!(!after.is_empty(), "{} counts nothing of {COUNTED:?}:\n{}", self.job, self.after);
        for series in after.keys().filter(|series| !BAD.iter().any(|bad| series.contains(bad))) {
            let counter = counts_all(series);
            let value = |page: &BTreeMap<String, f64>| page.get(&counter).copied().unwrap_or_default();
            let counted = value(&after) - value(&before);
            // What counts nothing is not there: the rules must not need it.
            if counted > 0.0 {
                self.ramp(series, counted / self.between, compression, text)?;
            }
        }
        Ok(())
    }

    fn ramp(&self, series: &str, rate: f64, compression: f64, text: &mut String) -> anyhow::Result<()> {
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let (job, instance) = (self.job, &self.instance);
        let comma = if labels.is_empty() { "" } else { "," };
        for age in ages(compression) {
            let at = self.begun - age;
            let value = rate * (LENGTH / compression - age);
            writeln!(
                text,
                "{name}{{{labels}{comma}job=\"{job}\",instance=\"{instance}\"}} {value:.3} {at:.3}"
            )?;
        }
        Ok(())
    }
}

/// The counters of a page that the objectives read, with their values.
fn counters(page: &str) -> anyhow::Result<BTreeMap<String, f64>> {
    page.lines()
        .filter(|line| COUNTED.iter().any(|name| line.starts_with(name)))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
            Ok((series.to_owned(), value.parse().with_context(|| line.to_owned())?))
        })
        .collect()
}

/// The counter whose growth a series had in the past: of a bucket the counter of all answers, as all of them were fast.
fn counts_all(series: &str) -> String {
    let Some((before, after)) = series.split_once("le=\"") else { return series.to_owned() };
    let after = after.split_once('"').map_or("", |(_, after)| after);
    let joined = format!("{}{after}", before.trim_end_matches(','));
    joined.replacen("_bucket{", "_count{", 1).replacen("{,", "{", 1)
}

/// How old the samples are, oldest first: as often as Prometheus scrapes in the younger part, and seldom before.
fn ages(compression: f64) -> impl Iterator<Item = f64> {
    let (old, dense) = (LENGTH / compression, DENSE / compression);
    let (seldom, often) = (300.0 / compression, 15.0 / compression);
    let before =
        std::iter::successors(Some(old), move |age| Some(age - seldom)).take_while(move |age| *age > dense);
    before
        .chain(std::iter::successors(Some(dense), move |age| Some(age - often)).take_while(|age| *age >= 0.0))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::at_the_end("a_bucket{b=\"c\",le=\"0.1\"}", "a_count{b=\"c\"}")]
    #[case::at_the_beginning("a_bucket{le=\"0.1\",b=\"c\"}", "a_count{b=\"c\"}")]
    #[case::no_bucket("a_total{b=\"c\"}", "a_total{b=\"c\"}")]
    fn every_answer_of_the_past_was_in_the_fastest_bucket(#[case] series: &str, #[case] counter: &str) {
        assert_eq!(counts_all(series), counter);
    }

    #[test]
    fn nothing_bad_happened_in_the_past() {
        let page = |wrong| {
            format!(
                "probe_answers_total{{result=\"right\"}} {wrong}1\nprobe_answers_total{{result=\"wrong\"}} {wrong}\n"
            )
        };
        let page = Page {
            job: "inference-probe",
            instance: "127.0.0.1:1".to_owned(),
            before: page(1),
            after: page(7),
            between: 3.0,
            begun: 1000.0,
        };
        let mut text = String::new();
        page.write(60.0, &mut text).unwrap();
        assert!(text.contains("right") && !text.contains("wrong"), "{text}");
    }

    #[test]
    fn a_counter_grows_evenly_to_the_moment_that_the_real_one_begins() {
        let page = Page {
            job: "inference-probe",
            instance: "127.0.0.1:1".to_owned(),
            before: "probe_answers_total{result=\"right\"} 10\n".to_owned(),
            after: "# TYPE probe_answers_total counter\nprobe_answers_total{result=\"right\"} 40\n\
                    probe_answers_total{result=\"wrong\"} 0\nother_total 7\n"
                .to_owned(),
            between: 3.0,
            begun: 1000.0,
        };
        let mut text = String::new();
        page.write(60.0, &mut text).unwrap();
        assert!(text.lines().all(|line| line.contains("result=\"right\",job=\"inference-probe\"")), "{text}");
        // The last sample may be one step before the beginning.
        let last = text.lines().last().unwrap().rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
        assert!((999.7..=1000.0).contains(&last), "{last}");
        let value = |line: &str| line.split(' ').nth(1).unwrap().parse::<f64>().unwrap();
        assert!(text.lines().map(value).is_sorted());
        assert!((44_635.0..=44_645.0).contains(&value(text.lines().last().unwrap())), "{text}");
    }
}
