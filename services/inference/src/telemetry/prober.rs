//! Owns the metric handles of the prober. The service has none of them, and the prober none of the service's: a
//! service's gauge that stands at zero in another process would look like a failure.

use metrics::{Counter, Histogram, Label, Recorder};

use super::instruments::{METADATA, describe, key};
use super::metrics::ProbeResult;
use super::series;

/// Handles by route; none where nothing is probed.
#[derive(Default)]
pub(super) struct ProberInstruments(Vec<(&'static str, Route)>);

/// The handles of one route.
pub(super) struct Route {
    right: Counter,
    wrong: Counter,
    refused: Counter,
    failed: Counter,
    pub(super) duration: Histogram,
}

impl std::fmt::Debug for ProberInstruments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProberInstruments").finish_non_exhaustive()
    }
}

impl ProberInstruments {
    /// Registers every series, which makes it exist at zero.
    pub(super) fn new(recorder: &dyn Recorder, routes: &[&'static str]) -> Self {
        describe(recorder, series::PROBER);
        let handles = |route| {
            let label = Label::from_static_parts("http_route", route);
            let answers = |result: ProbeResult| {
                let labels = vec![label.clone(), Label::from_static_parts("result", result.label())];
                recorder.register_counter(&key(series::PROBE_ANSWERS, labels), &METADATA)
            };
            let [right, wrong, refused, failed] = ProbeResult::ALL.map(answers);
            let duration =
                recorder.register_histogram(&key(series::PROBE_DURATION, vec![label.clone()]), &METADATA);
            Route { right, wrong, refused, failed, duration }
        };
        Self(routes.iter().map(|route| (*route, handles(*route))).collect())
    }

    pub(super) fn route(&self, route: &str) -> Option<&Route> {
        self.0.iter().find_map(|(own, handles)| (*own == route).then_some(handles))
    }
}

impl Route {
    pub(super) const fn answers(&self, result: ProbeResult) -> &Counter {
        match result {
            ProbeResult::Right => &self.right,
            ProbeResult::Wrong => &self.wrong,
            ProbeResult::Refused => &self.refused,
            ProbeResult::Failed => &self.failed,
        }
    }
}
