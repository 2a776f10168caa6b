//! A phase, run: the generator in a process of its own, the checking client beside it, and what both saw put together.
//! Must never judge.

mod checker;
mod cost;
mod generator;
mod processor;
mod samples;
mod slow;

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use self::checker::Checker;
pub use self::checker::Compared;
pub use self::cost::Cost;
use self::cost::Watched;
pub use self::generator::generate;
use self::generator::{Order, Working};
use self::processor::Usage;
pub use self::samples::Second;
use self::slow::Holding;
pub use self::slow::SlowSeen;
use crate::measurement::Measurement;
use crate::objectives::Objective;
use crate::payload::Row;
use crate::scenario::{Neighbour, Phase, Scenario};
use crate::share::{Indivisible, Part};
use crate::target::Target;

/// How often generator and target are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How much longer the generator sends than counts, in seconds: it drops what its timer is late with at the end, which is
/// not the target's doing.
const AFTER: f64 = 0.25;

/// Beyond the phase, the last answer and the writing of the samples, a generator hangs.
const SLACK: Duration = Duration::from_secs(60);

/// What a phase came to.
#[derive(Debug)]
pub struct Seen {
    /// Counts and latencies.
    pub measurement: Measurement,
    /// The same second by second, apart from what nobody can tell the second of: failures, comparisons, the generator.
    pub seconds: Vec<Measurement>,
    /// What came of clients that took their time, if there were some.
    pub slow_clients: Option<SlowSeen>,
    /// What another client saw that asked for more than its quota, if there was one.
    pub neighbour: Option<Measurement>,
    /// What the generator was told, without secrets.
    pub flags: Vec<String>,
}

/// A phase that is under way.
#[derive(Debug)]
pub struct UnderWay<'phase> {
    /// Since it began to send.
    pub since: Duration,
    checker: &'phase Checker,
}

impl UnderWay<'_> {
    /// What the client beside the generator has found so far; the generator says nothing before its end.
    #[must_use]
    pub fn compared(&self) -> Compared {
        self.checker.so_far()
    }
}

/// A phase that can't be run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file or a process.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Golden answers that are none.
    #[error("the golden answers: {0}")]
    Golden(serde_json::Error),
    /// Certificates or a key that can't be used.
    #[error("{file}: {source}; expected PEM")]
    Pem {
        /// Which.
        file: String,
        /// What is wrong with it.
        source: Box<ureq::Error>,
    },
    /// A generator that did not do what it was told.
    #[error("the generator ended with {status}: {said}")]
    Generator {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        said: String,
    },
    /// A generator that did not end.
    #[error("the generator was still running {0:?} after it was started, and was stopped")]
    Endless(Duration),
    /// Samples that can't be read.
    #[error("the generator's samples: {0}")]
    Samples(#[from] rusqlite::Error),
    /// A report that can't be read.
    #[error("the generator's report: {0}")]
    Report(serde_json::Error),
    /// A load that can't be divided among its clients.
    #[error(transparent)]
    Indivisible(#[from] Indivisible),
    /// The kernel's figures of a process.
    #[error("the generator's processor time: {0}")]
    Processor(#[from] procfs::ProcError),
}

/// Runs a phase. `look` is called about ten times a second.
///
/// # Errors
///
/// When it can't be run to its end; what a target does is no error.
pub fn run(
    scenario: &Scenario,
    phase: &Phase,
    target: &Target,
    look: &dyn Fn(&UnderWay<'_>),
) -> Result<Seen, EngineError> {
    let rows = scenario.rows(phase.route).map_err(EngineError::Golden)?;
    let orders = orders(scenario, phase, target, &rows)?;
    let flags = orders.first().map(Order::flags).unwrap_or_default();
    let neighbour = neighbour(scenario, phase, target, &rows)?;
    let slow = match (phase.slow_clients, rows.first()) {
        (Some(clients), Some(row)) => Some(Holding::start(clients, target, phase.route, row)?),
        _ => None,
    };
    let checker = Checker::start(target, phase, scenario.timeout, rows)?;
    let mut service = target.process().map(Watched::new);
    let look = |since| look(&UnderWay { since, checker: &checker });
    let usage = watch(&orders, neighbour.as_ref(), phase, scenario, service.as_mut(), &look);
    let checks = checker.stop();
    let slow_clients = slow.map(Holding::stop);
    let usage = usage?;
    let objectives = scenario.expectation.objectives.iter().filter(|objective| objective.counts(phase.route));
    let (mut measurement, mut seconds) = all_saw(&orders, &objectives.cloned().collect::<Vec<_>>())?;
    measurement.checks = checks;
    measurement.generator = usage.of_threads(u32::from(scenario.threads) * u32::from(phase.identities()));
    if let Some(service) = service {
        measurement.service = service.in_all();
        for (at, second) in (0..).zip(&mut seconds) {
            second.service = service.in_second(at);
        }
    }
    // What it may ask is for its quota to say, not for the objectives.
    let neighbour = neighbour.map(|order| samples::read(&order, &[])).transpose()?;
    let neighbour = neighbour.map(|(measurement, _)| measurement);
    Ok(Seen { measurement, seconds, slow_clients, neighbour, flags })
}

/// What each client is to do: all of them together, the phase.
fn orders(
    scenario: &Scenario,
    phase: &Phase,
    target: &Target,
    rows: &[Row],
) -> Result<Vec<Order>, EngineError> {
    let of = phase.identities();
    let clients = (0..of).zip(target.by_each(of));
    clients
        .map(|(index, client)| Order::new(scenario, Part { index, of }.of_phase(phase)?, &client, rows))
        .collect()
}

/// What all clients saw together, and in each second.
fn all_saw(
    orders: &[Order],
    objectives: &[Objective],
) -> Result<(Measurement, Vec<Measurement>), EngineError> {
    let saw = orders.iter().map(|order| samples::read(order, objectives)).collect::<Result<Vec<_>, _>>()?;
    let seconds = saw.iter().map(|(_, seconds)| seconds.len()).max().unwrap_or_default();
    let in_second = |at| saw.iter().filter_map(|(_, seconds)| seconds.get(at)).collect();
    Ok((saw.iter().map(|(all, _)| all).collect(), (0..seconds).map(in_second).collect()))
}

/// What the other client is to do, if there is one: the same phase by a rate of its own, as whoever it is.
fn neighbour(
    scenario: &Scenario,
    phase: &Phase,
    target: &Target,
    rows: &[Row],
) -> Result<Option<Order>, EngineError> {
    let Some((Neighbour { rate, connections }, target)) = phase.neighbour.zip(target.neighbour()) else {
        return Ok(None);
    };
    let phase = Phase { rate: Some(rate), connections, ..phase.clone() };
    Order::new(scenario, phase, &target, rows).map(Some)
}

/// Lets the generators work and looks at those of the phase, and at the service, until all have ended.
fn watch(
    orders: &[Order],
    neighbour: Option<&Order>,
    phase: &Phase,
    scenario: &Scenario,
    mut service: Option<&mut Watched>,
    look: &dyn Fn(Duration),
) -> Result<Usage, EngineError> {
    let started = Instant::now();
    let all: Vec<_> = orders.iter().chain(neighbour).collect();
    let mut working = all.iter().map(|order| order.start()).collect::<Result<Vec<_>, _>>()?;
    let pids: Vec<_> = working.iter().take(orders.len()).map(Working::pid).collect();
    let (warm_up, counts) =
        (Duration::from_secs_f64(phase.warm_up_seconds), Duration::from_secs_f64(phase.seconds));
    let limit = warm_up + counts + scenario.timeout + SLACK;
    let mut usage = Usage::default();
    loop {
        let since = started.elapsed();
        let mut all_ended = true;
        for (order, working) in all.iter().zip(&mut working) {
            match working.ended()? {
                None => all_ended = false,
                Some(status) if status.success() => {}
                Some(status) => return Err(EngineError::Generator { status, said: order.said() }),
            }
        }
        if all_ended {
            return Ok(usage);
        }
        if since > limit {
            return Err(EngineError::Endless(since));
        }
        if let Some(counted) = since.checked_sub(warm_up).filter(|counted| *counted < counts) {
            usage.look(pids.iter().copied(), counted)?;
            if let Some(service) = &mut service {
                service.look(counted);
            }
        }
        look(since);
        std::thread::sleep(LOOK);
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> EngineError {
    move |source| EngineError::System { what, source }
}
