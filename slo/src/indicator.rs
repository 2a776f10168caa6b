//! Every indicator as one pair of expressions, bad and total. Everything after this file knows only the pair.
//!
//! Owns how events are counted over a window. Must never divide: that is what a ratio of sums is for.

use crate::numbers::Span;
use crate::objectives::{Bound, Compression, Indicator, Slo};
use crate::query::{Query, QueryError, Selector};

/// What is recorded of an indicator before anything is added up; only freshness has some.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the recorded series.
    pub record: &'static str,
    /// Its expression.
    pub query: Query,
}

/// How many events there were in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The bad ones. Where there were events but no bad series, it is 0.
    pub bad: Query,
    /// All that count.
    pub total: Query,
}

/// Instances that are too old at an evaluation.
const BAD_SAMPLE: &str = "slo:bad:sample";

/// Instances that are watched at an evaluation.
const TOTAL_SAMPLE: &str = "slo:total:sample";

impl Slo {
    /// The pair over a window.
    ///
    /// `increase` is Prometheus' rate times the window, taken for each series before the sum, so that a restarted
    /// process is a reset and not a negative number. The ratio of two of them is the ratio of the sums of rates.
    ///
    /// # Errors
    ///
    /// When an expression doesn't parse, which the definitions' checks exclude.
    pub fn pair(&self, service: &str, window: Span) -> Result<Pair, QueryError> {
        let by = self.by();
        let increase = |selector: &Selector| format!("sum{by} (increase({selector}[{window}]))");
        let (bad, total) = match &self.indicator {
            Indicator::Events { total, bad } => {
                let total = increase(total);
                (format!("{}\nor\n0 * {total}", increase(bad)), total)
            }
            Indicator::Latency { total, good, threshold } => {
                let fast = fast(total, good, *threshold)?;
                let total = increase(&total.of(format!("{}_count", total.metric())));
                // Without the `or`, a histogram whose fast series are missing would be silent while all requests fail.
                (format!("{total}\n-\n({} or 0 * {total})", increase(&fast)), total)
            }
            Indicator::Freshness { .. } => {
                let sum = |record| format!("sum_over_time({record}{}[{window}])", self.labels(service));
                (sum(BAD_SAMPLE), sum(TOTAL_SAMPLE))
            }
        };
        Ok(Pair { bad: Query::parse(bad)?, total: Query::parse(total)? })
    }

    /// What has to be recorded at each evaluation before the pair can be added up.
    ///
    /// # Errors
    ///
    /// When an expression doesn't parse, which the definitions' checks exclude.
    pub fn samples(&self, compression: Compression) -> Result<Vec<Sample>, QueryError> {
        let Indicator::Freshness { timestamp, bound } = &self.indicator else { return Ok(Vec::new()) };
        let by = self.by();
        // 0 says that there is nothing to watch: no revocation list, no source of keys.
        let watched = format!("{timestamp} > 0");
        let is_bad = match *bound {
            Bound::Behind(most) => format!("time() - ({watched}) > bool {}", compression.of(most).seconds()),
            Bound::Ahead(least) => format!("({watched}) - time() < bool {}", compression.of(least).seconds()),
        };
        Ok(vec![
            Sample { record: BAD_SAMPLE, query: Query::parse(format!("sum{by} ({is_bad})"))? },
            Sample { record: TOTAL_SAMPLE, query: Query::parse(format!("count{by} ({watched})"))? },
        ])
    }

    /// The series that count the good requests of a latency objective; `None` for the other kinds.
    ///
    /// # Errors
    ///
    /// When the conditions don't parse, which the definitions' checks exclude.
    pub fn fast(&self) -> Result<Option<Selector>, QueryError> {
        match &self.indicator {
            Indicator::Latency { total, good, threshold } => fast(total, good, *threshold).map(Some),
            Indicator::Events { .. } | Indicator::Freshness { .. } => Ok(None),
        }
    }

    /// The same objective of fewer series: those that also meet `conditions`, such as `track="canary"`.
    ///
    /// # Errors
    ///
    /// When the conditions don't parse.
    pub fn narrowed(&self, conditions: &str) -> Result<Self, QueryError> {
        let indicator = match &self.indicator {
            Indicator::Events { total, bad } => {
                Indicator::Events { total: total.and(conditions)?, bad: bad.and(conditions)? }
            }
            Indicator::Latency { total, good, threshold } => Indicator::Latency {
                total: total.and(conditions)?,
                good: good.clone(),
                threshold: *threshold,
            },
            Indicator::Freshness { timestamp, bound } => {
                Indicator::Freshness { timestamp: timestamp.and(conditions)?, bound: *bound }
            }
        };
        Ok(Self { indicator, ..self.clone() })
    }

    /// What selects the recorded series of this objective.
    #[must_use]
    pub fn labels(&self, service: &str) -> String {
        format!("{{service=\"{service}\",slo=\"{}\"}}", self.id)
    }

    fn by(&self) -> String {
        if self.by.is_empty() { String::new() } else { format!(" by ({})", self.by.join(", ")) }
    }
}

fn fast(total: &Selector, good: &str, threshold: Span) -> Result<Selector, QueryError> {
    total.of(format!("{}_bucket", total.metric())).and(&format!("{good},{}", le(threshold)))
}

/// The condition that selects a bound. Prometheus 3 writes whole numbers as `1.0`, the service as `1`.
fn le(threshold: Span) -> String {
    let seconds = threshold.seconds();
    if seconds.fract().is_zero() {
        format!(r#"le=~"{seconds}(\\.0)?""#)
    } else {
        format!(r#"le="{seconds}""#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Source;

    fn slo(id: &str) -> Slo {
        let source = Source::read("inference.yaml", include_str!("../tests/fixtures/service.yaml")).unwrap();
        let objectives = source.check().unwrap();
        objectives.slos.into_iter().find(|slo| slo.id == id).unwrap()
    }

    fn pair(id: &str) -> Pair {
        slo(id).pair("inference", Span::minutes(5)).unwrap()
    }

    #[test]
    fn a_missing_bad_series_is_no_bad_event() {
        let Pair { bad, total } = pair("api-availability");
        assert!(bad.as_str().ends_with(&format!("or\n0 * {total}")), "{bad}");
    }

    #[test]
    fn a_missing_fast_series_is_total_failure() {
        let Pair { bad, total } = pair("api-latency");
        assert!(
            bad.as_str().starts_with(total.as_str()) && bad.as_str().ends_with(&format!("or 0 * {total})")),
            "{bad}"
        );
    }

    #[test]
    fn how_old_a_thing_may_be_is_divided_as_every_length_of_time_is() {
        let bad = |id, factor| {
            let samples = slo(id).samples(Compression::by(factor).unwrap()).unwrap();
            samples.first().unwrap().query.to_string()
        };
        assert!(bad("jwks-freshness", 1).contains("> bool 900)"), "{}", bad("jwks-freshness", 1));
        assert!(bad("jwks-freshness", 60).contains("> bool 15)"), "{}", bad("jwks-freshness", 60));
        assert!(bad("crl-freshness", 60).contains("< bool 360)"), "{}", bad("crl-freshness", 60));
    }

    #[test]
    fn a_bound_of_whole_seconds_is_found_as_both_write_it() {
        assert_eq!(le(Span::from_secs(1)), r#"le=~"1(\\.0)?""#);
        assert_eq!(le(Span::from_millis(25)), r#"le="0.025""#);
    }
}
