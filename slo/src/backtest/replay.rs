//! Has promtool evaluate the rules on a recording, and reads what it found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promql_parser::util::escape_string;

use super::Samples;
use super::load_test::LoadTest;
use super::recording::{Recorded, Recording};
use crate::needs;
use crate::numbers::Span;
use crate::objectives::{Bound, Indicator, Objectives, Slo};
use crate::outputs::{OutputError, to_yaml};
use crate::query::{Query, QueryError};
use crate::rule_tests::{ExprTest, InputSeries, Test, TestFile};
use crate::rules::{self, RuleFile};

/// All that fires.
const FIRING: &str = r#"ALERTS{alertstate="firing"}"#;

/// Why nothing could be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file or the program.
    #[error("cannot run {}: {source}", promtool.display())]
    Run {
        /// The program.
        promtool: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A temporary file.
    #[error("cannot write the recording for promtool: {0}")]
    Write(#[from] io::Error),
    /// Something that can't be written as YAML.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// An expression that doesn't parse.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Promtool has another fault than finding what a test that expects nothing does not expect.
    #[error("promtool says what nobody understands here:\n{0}")]
    NotUnderstood(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// What fired, in the order of time.
    pub episodes: Vec<Episode>,
    /// Bad and total events of each objective that there were events of.
    pub events: BTreeMap<String, (f64, f64)>,
}

/// One time for which one alert fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// The labels of the alert.
    pub labels: BTreeMap<String, String>,
    /// From when on, since the beginning of the recording.
    pub from: Span,
    /// Until when; `None` where it still fired at the end.
    pub until: Option<Span>,
}

/// Replays what was recorded or counted.
///
/// # Errors
///
/// When promtool can't be run, or says something else than what fires.
pub fn replay(objectives: &Objectives, samples: &Samples, promtool: &Path) -> Result<Replay, ReplayError> {
    let folder = tempfile::tempdir()?;
    let mut groups = Vec::new();
    for slo in &objectives.slos {
        groups.extend(rules::groups_of(objectives, slo)?);
    }
    fs::write(folder.path().join("rules.yaml"), to_yaml(&RuleFile { groups })?)?;
    let plan = Plan::of(objectives, samples)?;
    let test = folder.path().join("test.yaml");
    fs::write(&test, to_yaml(&plan.file(objectives, samples)?)?)?;
    let run = Command::new(promtool).args(["test", "rules"]).arg(&test).stdin(Stdio::null()).output();
    let output = run.map_err(|source| ReplayError::Run { promtool: promtool.to_owned(), source })?;
    let said = [output.stdout, output.stderr].concat();
    let mut replay = plan.read(&String::from_utf8_lossy(&said))?;
    if let Samples::LoadTest(run) = samples {
        replay.events = objectives.slos.iter().map(|slo| (slo.id.clone(), run.events(slo))).collect();
    }
    Ok(replay)
}

/// The times at which promtool is asked.
struct Plan {
    /// Steps from promtool's zero to the first sample: to beyond the oldest time that a freshness objective takes for
    /// good.
    lead: u64,
    /// The same in milliseconds.
    begin: u64,
    /// Between two evaluations.
    every: Span,
    /// The last evaluation.
    end: Span,
    /// The metrics that the rules read.
    metrics: BTreeSet<String>,
    /// The gauges that hold times.
    timestamps: BTreeSet<String>,
}

impl Plan {
    fn of(objectives: &Objectives, samples: &Samples) -> Result<Self, ReplayError> {
        let behind = objectives.slos.iter().filter_map(|slo| match &slo.indicator {
            Indicator::Freshness { bound: Bound::Behind(most), .. } => Some(most.millis()),
            _ => None,
        });
        let step = samples.step();
        let lead = behind.max().map_or(0, |most| most.div_ceil(step.millis()) + 1);
        let begin = lead * step.millis();
        let timestamps = objectives.slos.iter().filter_map(|slo| match &slo.indicator {
            Indicator::Freshness { timestamp, .. } => Some(timestamp.metric().to_owned()),
            _ => None,
        });
        let needs = needs::needs(objectives)?;
        Ok(Self {
            lead,
            begin,
            every: objectives.compression.of(objectives.prometheus.evaluation_interval),
            end: Span::from_millis(begin + samples.last().millis()),
            metrics: needs.iter().map(|need| need.series.metric().to_owned()).collect(),
            timestamps: timestamps.collect(),
        })
    }

    fn file(&self, objectives: &Objectives, samples: &Samples) -> Result<TestFile, ReplayError> {
        let tests = match samples {
            Samples::Recorded(recording) => vec![self.recorded(objectives, recording)?],
            Samples::LoadTest(run) => {
                let each = objectives.slos.iter().map(|slo| self.counted(objectives, slo, run));
                each.collect::<Result<_, _>>()?
            }
        };
        Ok(TestFile {
            rule_files: vec!["rules.yaml".to_owned()],
            evaluation_interval: self.every,
            fuzzy_compare: false,
            tests,
        })
    }

    fn recorded(&self, objectives: &Objectives, recording: &Recording) -> Result<Test, ReplayError> {
        let read = recording.series.iter().filter(|series| self.metrics.contains(&series.name));
        let mut asked: Vec<_> = self.at_each_evaluation(FIRING).collect();
        let length = recording.length();
        for slo in &objectives.slos {
            let pair = slo.pair(&objectives.service, length)?;
            // Labels say of what the number is; the expressions of a pair have none of their own.
            for (events, query) in [("bad", pair.bad), ("total", pair.total)] {
                let named = [("slo", slo.id.as_str()), ("events", events)].into_iter().fold(
                    format!("sum({query})"),
                    |inner, (label, value)| {
                        format!(r#"label_replace({inner}, "{label}", "{value}", "", "")"#)
                    },
                );
                asked.push(ask(Query::parse(named)?.to_string(), self.end));
            }
        }
        Ok(Test {
            name: "recording".to_owned(),
            interval: recording.step,
            input_series: read.map(|series| self.input(recording, series)).collect(),
            alert_rule_test: Vec::new(),
            promql_expr_test: asked,
        })
    }

    /// A test of its own for each objective: what one counts would be counted toward the others as well.
    fn counted(&self, objectives: &Objectives, slo: &Slo, run: &LoadTest) -> Result<Test, ReplayError> {
        let firing = Query::selector(FIRING)?.and(&format!("slo=\"{}\"", slo.id))?.to_string();
        Ok(Test {
            name: slo.id.clone(),
            interval: LoadTest::STEP,
            input_series: run.series(objectives, slo)?,
            alert_rule_test: Vec::new(),
            promql_expr_test: self.at_each_evaluation(&firing).collect(),
        })
    }

    fn at_each_evaluation(&self, expr: &str) -> impl Iterator<Item = ExprTest> {
        let every = self.every.millis();
        (self.begin.div_ceil(every)..=self.end.millis() / every)
            .map(move |count| ask(expr.to_owned(), Span::from_millis(count * every)))
    }

    /// Promtool's clock begins in 1970, so times that gauges hold are shifted with it. One before the lead is older than
    /// any that is good, and stays so.
    fn input(&self, recording: &Recording, series: &Recorded) -> InputSeries {
        let zero = recording.start - seconds(self.begin);
        let is_time = self.timestamps.contains(&series.name);
        let shifted = |value: f64| if is_time && value > 0.0 { (value - zero).max(0.001) } else { value };
        let labels: Vec<_> = series
            .labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escape_string(value)))
            .collect();
        let lead = (self.lead > 0).then(|| format!("_x{}", self.lead));
        let values = series.values.iter().map(|value| match value {
            Some(value) => shifted(*value).to_string(),
            None => "_".to_owned(),
        });
        InputSeries {
            series: format!("{}{{{}}}", series.name, labels.join(",")),
            values: lead.into_iter().chain(values).collect::<Vec<_>>().join(" "),
        }
    }

    /// What promtool found where the test expected nothing.
    fn read(&self, said: &str) -> Result<Replay, ReplayError> {
        let mut replay = Replay { episodes: Vec::new(), events: BTreeMap::new() };
        let mut at: Option<Span> = None;
        let mut fired: BTreeMap<BTreeMap<String, String>, BTreeSet<u64>> = BTreeMap::new();
        let not_understood = || ReplayError::NotUnderstood(said.to_owned());
        for line in said.lines().map(str::trim) {
            if let Some((_, time)) = line.strip_prefix("expr: ").and_then(|line| line.rsplit_once(", time: "))
            {
                at = time.trim_end_matches(',').parse().ok();
            } else if let Some(got) = line.strip_prefix("got:") {
                let at = at.ok_or_else(not_understood)?;
                for (labels, value) in samples(got).ok_or_else(not_understood)? {
                    match (labels.get("slo"), labels.get("events")) {
                        (Some(slo), Some(events)) => {
                            let entry = replay.events.entry(slo.clone()).or_insert((0.0, 0.0));
                            *(if events == "bad" { &mut entry.0 } else { &mut entry.1 }) = value;
                        }
                        _ => _ = fired.entry(labels).or_default().insert(at.millis()),
                    }
                }
            }
        }
        // Found nothing: then the test passed. Anything else is a fault of its own.
        if replay.events.is_empty() && fired.is_empty() && !said.contains("SUCCESS") {
            return Err(not_understood());
        }
        replay.episodes =
            fired.into_iter().flat_map(|(labels, times)| self.episodes(&labels, &times)).collect();
        replay.episodes.sort_by_key(|episode| episode.from);
        Ok(replay)
    }

    /// Evaluations without a gap between them are one episode.
    fn episodes(&self, labels: &BTreeMap<String, String>, times: &BTreeSet<u64>) -> Vec<Episode> {
        let since = |at: u64| Span::from_millis(at.saturating_sub(self.begin));
        let mut episodes: Vec<(u64, u64)> = Vec::new();
        for at in times {
            match episodes.last_mut() {
                Some((_, last)) if at - *last <= self.every.millis() => *last = *at,
                _ => episodes.push((*at, *at)),
            }
        }
        let last_evaluation = self.end.millis() - self.end.millis() % self.every.millis();
        let episode = |(from, last): (u64, u64)| Episode {
            labels: labels.clone(),
            from: since(from),
            until: (last < last_evaluation).then(|| since(last + self.every.millis())),
        };
        episodes.into_iter().map(episode).collect()
    }
}

/// Whatever promtool finds is what nobody expected.
const fn ask(expr: String, eval_time: Span) -> ExprTest {
    ExprTest { expr, eval_time, exp_samples: Vec::new() }
}

/// `{slo="a"} 1E+00, {slo="b"} 2E+00`, or `nil`.
fn samples(got: &str) -> Option<Vec<(BTreeMap<String, String>, f64)>> {
    let got = got.trim();
    if got == "nil" {
        return Some(Vec::new());
    }
    let parts = got.split_inclusive(r#""} "#).collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut labels = *parts.first()?;
    for part in parts.get(1..)? {
        let (value, next) = part.split_once(", ").unwrap_or((part, ""));
        found.push((labels_of(labels)?, value.trim().parse().ok()?));
        labels = next;
    }
    Some(found)
}

fn labels_of(text: &str) -> Option<BTreeMap<String, String>> {
    let text = text.trim();
    let series = text.find('{').and_then(|at| text.get(at..))?;
    let selectors = Query::parse(series).ok()?.selectors();
    let [selector] = &selectors[..] else { return None };
    let labels = selector.matchers.matchers.iter().filter(|matcher| matcher.name != "__name__");
    Some(labels.map(|matcher| (matcher.name.clone(), matcher.value.clone())).collect())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of less than ten thousand years")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            lead: 4,
            begin: 60_000,
            every: Span::from_secs(15),
            end: Span::from_secs(200),
            metrics: BTreeSet::new(),
            timestamps: BTreeSet::from(["seen_seconds".to_owned()]),
        }
    }

    /// As promtool 3.5 writes it.
    const SAID: &str = r#"Unit Testing:  test.yaml
  FAILED:
    expr: "ALERTS{alertstate=\"firing\"}", time: 1m15s,
        exp: nil
        got: {__name__="ALERTS", alertname="A", slo="a", path="/{b}, \"c\""} 1E+00, {__name__="ALERTS", alertname="B", slo="a"} 1E+00
    expr: "ALERTS{alertstate=\"firing\"}", time: 1m30s,
        exp: nil
        got: {__name__="ALERTS", alertname="B", slo="a"} 1E+00
    expr: "ALERTS{alertstate=\"firing\"}", time: 3m,
        exp: nil
        got: {__name__="ALERTS", alertname="B", slo="a"} 1E+00
    expr: "label_replace(…)", time: 3m15s,
        exp: nil
        got: {events="bad", slo="a"} 9E+02
    expr: "label_replace(…)", time: 3m15s,
        exp: nil
        got: {events="total", slo="a"} 1.4385E+05
"#;

    #[test]
    fn what_promtool_did_not_expect_is_what_fired() {
        let Replay { episodes, events } = plan().read(SAID).unwrap();
        let found: Vec<_> = episodes
            .iter()
            .map(|Episode { labels, from, until }| (labels["alertname"].as_str(), from.seconds(), *until))
            .collect();
        let seconds = Span::from_secs;
        assert_eq!(
            found,
            [
                ("A", 15.into(), Some(seconds(30))),
                ("B", 15.into(), Some(seconds(45))),
                // The last evaluation before the end is at 195 s.
                ("B", 120.into(), Some(seconds(135))),
            ]
        );
        assert_eq!(events, BTreeMap::from([("a".to_owned(), (900.0, 143_850.0))]));
    }

    #[test]
    fn what_fires_at_the_last_evaluation_has_no_end() {
        let said = SAID.replace("time: 3m,", "time: 3m15s,");
        let replay = plan().read(&said).unwrap();
        assert_eq!(replay.episodes.last().map(|episode| episode.until), Some(None));
    }

    #[test]
    fn another_fault_of_promtool_is_not_silence() {
        assert_eq!(plan().read("Unit Testing:  test.yaml\n  SUCCESS\n").unwrap().episodes, []);
        assert!(plan().read("  FAILED:\nyaml: line 3: did not find expected key").is_err());
    }

    #[test]
    fn times_are_shifted_with_the_clock_and_zero_stays_nothing() {
        let recording =
            Recording { start: 1_800_000_000.0, step: Span::from_secs(15), steps: 3, series: Vec::new() };
        let input = |values: &[f64]| {
            let values = values.iter().copied().map(Some).chain([None]).collect();
            let recorded = Recorded { name: "seen_seconds".to_owned(), labels: BTreeMap::new(), values };
            plan().input(&recording, &recorded).values
        };
        assert_eq!(input(&[1_800_000_000.0, 1_799_999_970.0]), "_x4 60 30 _");
        assert_eq!(input(&[0.0, 1_700_000_000.0]), "_x4 0 0.001 _");
    }
}
