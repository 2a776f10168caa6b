//! What telemetry promises, seen from where it is read: the page of metrics, the spans that leave, the lines on
//! stderr. Each test has its own recorder and exporter, by thread, so that tests run side by side.

mod events;
mod logs;
mod observe;
mod start;
mod traces;

use std::cell::Cell;

use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};

use super::{Installed, Instruments, MetricsPage, metrics};

thread_local! {
    static HERE: Cell<Option<&'static Installed>> = const { Cell::new(None) };
}

pub(super) fn installed_here() -> Option<&'static Installed> {
    HERE.get()
}

/// Telemetry of the current thread.
struct Local {
    page: MetricsPage,
    exporter: InMemorySpanExporter,
}

impl Local {
    fn start(sampler: Sampler) -> Self {
        let (recorder, page) = metrics::recorder().unwrap();
        let exporter = InMemorySpanExporter::default();
        let provider =
            SdkTracerProvider::builder().with_sampler(sampler).with_simple_exporter(exporter.clone()).build();
        let installed = Installed {
            instruments: Instruments::new(Box::new(recorder)),
            prober: super::ProberInstruments::default(),
            tracer: super::traces::tracer(&provider),
        };
        HERE.set(Some(Box::leak(Box::new(installed))));
        Self { page, exporter }
    }

    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    /// The value of one series, written as the page writes it.
    fn value(&self, series: &str) -> Option<f64> {
        let page = self.page.render();
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map(|value| value.parse().unwrap())
    }
}
