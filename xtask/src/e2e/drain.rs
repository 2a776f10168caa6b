//! The end of the service under load: clients behind a balancer lose nothing, and the order is kept in which readiness
//! goes down, connections are told to close, and the listener closes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::process::Signal;

use super::E2e;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, KeepAlive};
use crate::outcome::Outcome;
use crate::service::{Ready, Service};
use crate::workspace::Workspace;
use crate::{artifact, wait};

/// Clients, each with one connection and one request under way at a time, without a pause.
const CLIENTS: usize = 16;

/// The service is in the middle of its work after so many answers.
const BEFORE_THE_SIGNAL: usize = 5_000;

/// Two, so that no constant can pass: the short one must be over before the long one would be.
const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(3);

/// For readiness to go down after the signal.
const NOTICE_LIMIT: Duration = Duration::from_secs(5);

/// `cargo xtask e2e drain`
pub(crate) const TEST: E2e = E2e {
    name: "drain",
    summary: "SIGTERM under load loses no request; readiness goes down first, the listener closes last",
    needs: &[],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let row = golden.first().context("no golden row")?;
    let start = |grace: &str| {
        let options = ["--drain-grace", grace, "--drain-finish", "10s", "--drain-linger", "1s"];
        Service::start(&binary, &options)
    };
    let short = ended_under_load(start("500ms")?, row, SHORT).context("with a short grace period")?;
    ensure!(short < LONG, "a grace period of {SHORT:?} lasted {short:?}");
    ended_under_load(start("3s")?, row, LONG).context("with a long grace period")?;
    Ok(Outcome::Passed)
}

/// What the clients share.
#[derive(Debug)]
struct Shared {
    /// What the balancer last read from `/readyz`.
    ready: AtomicBool,
    /// Whole, right answers.
    answered: AtomicUsize,
}

/// Ends a service in the middle of its work. Returns when, after the signal, the first client was told to close.
fn ended_under_load(service: Service, row: &Golden, grace: Duration) -> anyhow::Result<Duration> {
    let ready = service.ready().clone();
    let shared = Shared { ready: AtomicBool::new(true), answered: AtomicUsize::new(0) };
    let request = keep_alive::post(&ready, "/api", &[], &row.body);
    let (begun, rest) = request.split_at(request.len() - row.body.len() / 2);

    let (signalled, told) = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| client(&ready, &shared, &request, row))).collect();
        wait::until("the clients to be at work", NOTICE_LIMIT, || {
            let at_work = shared.answered.load(Ordering::Relaxed) >= BEFORE_THE_SIGNAL;
            // A client that has ended this early has failed: its error is the answer.
            Ok((at_work || clients.iter().any(ScopedJoinHandle::is_finished)).then_some(()))
        })?;
        // One more has sent half of a request.
        let mut slow = KeepAlive::open(ready.api)?;
        slow.write(begun)?;

        let signalled = Instant::now();
        let ordered = signal_and_watch(&service, &shared, &mut slow, rest, row);
        // Whatever happened, clients that wait for the balancer's word must end.
        shared.ready.store(false, Ordering::Relaxed);
        let told: anyhow::Result<Vec<Instant>> = clients.into_iter().map(joined).collect();
        ordered.and(told).map(|told| (signalled, told))
    })?;

    let stopped = service.wait()?;
    let log = stopped.output.stderr;
    ensure!(stopped.status.success(), "the service ended with {}\n{log}", stopped.status);
    ensure!(KeepAlive::open(ready.api).is_err(), "somebody still listens");
    let first = told.iter().min().context("no client")?.duration_since(signalled);
    ensure!(first >= grace, "clients were told to close after {first:?}; the grace period is {grace:?}");
    println!("{} requests, none lost; told to close after {first:?}", shared.answered.into_inner());
    Ok(first)
}

/// The balancer, from the signal on: readiness goes down while new connections are still taken and served as before.
fn signal_and_watch(
    service: &Service,
    shared: &Shared,
    slow: &mut KeepAlive,
    rest: &[u8],
    row: &Golden,
) -> anyhow::Result<()> {
    let ready = service.ready();
    service.signal(Signal::TERM)?;
    wait::until("readiness to go down", NOTICE_LIMIT, || {
        let answer = keep_alive::get(ready.admin, "/readyz")?;
        Ok((answer.status == 503).then_some(()))
    })?;
    // A client that has not heard of it yet.
    let late = KeepAlive::open(ready.api)
        .and_then(|mut late| late.send(&keep_alive::post(ready, "/api", &[], &row.body)))
        .context("the listener was closed with readiness, not after it")?;
    ensure!(
        late.status == 200 && !late.is_last(),
        "a new client in the grace period was answered by {late:?}"
    );
    shared.ready.store(false, Ordering::Relaxed);
    // What was begun before the signal is finished after it.
    slow.write(rest)?;
    let answer = slow.read().context("a request that was half sent is lost")?;
    ensure!(answer.status == 200 && answer.body == row.answer, "a request that was half sent: {answer:?}");
    Ok(())
}

/// A client behind a balancer: it sends without a pause on the connection that it has; told to close, it opens another
/// one only where the balancer says that the service is ready. Returns when it was told.
fn client(ready: &Ready, shared: &Shared, request: &[u8], row: &Golden) -> anyhow::Result<Instant> {
    loop {
        let mut connection = KeepAlive::open(ready.api)?;
        loop {
            let sent = shared.answered.load(Ordering::Relaxed);
            let answer = connection.send(request).with_context(|| format!("lost, after {sent} answers"))?;
            ensure!(answer.status == 200 && answer.body == row.answer, "{answer:?}");
            shared.answered.fetch_add(1, Ordering::Relaxed);
            if answer.is_last() {
                break;
            }
        }
        if !shared.ready.load(Ordering::Relaxed) {
            return Ok(Instant::now());
        }
    }
}

/// The result of a client; a panic is passed on.
fn joined<T>(client: ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
