//! Memory stays where it is: nothing that the service keeps grows with the number of requests, also when nobody
//! scrapes its metrics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context as _, ensure};

use super::E2e;
use crate::artifact;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, KeepAlive};
use crate::outcome::Outcome;
use crate::service::{Ready, Service};
use crate::workspace::Workspace;

/// Requests of each half.
const HALF: usize = 100_000;

/// Connections, each with one request under way at a time.
const CONNECTIONS: usize = 16;

/// One request in so many asks for a path that nobody asked for before: what an attacker would send to make label sets
/// or caches grow.
const STRANGER_EVERY: usize = 50;

/// What the second half may add: pages that the allocator touches late. A leak of 11 bytes a request shows.
const GROWTH_KIB: u64 = 1024;

/// `cargo xtask e2e soak`
pub(crate) const TEST: E2e = E2e {
    name: "soak",
    summary: "200,000 requests without a scrape: every answer is right, memory is flat over the second half",
    needs: &[],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let golden = golden::load(workspace)?;
    let service = Service::start(&artifact::service(workspace)?, &[])?;
    send(service.ready(), &golden, 0..HALF)?;
    let after_half = service.resident_kib()?;
    send(service.ready(), &golden, HALF..2 * HALF)?;
    let after_all = service.resident_kib()?;
    println!("resident after {HALF} requests: {after_half} KiB; after {}: {after_all} KiB", 2 * HALF);
    let growth = after_all.saturating_sub(after_half);
    ensure!(
        growth <= GROWTH_KIB,
        "memory grew by {growth} KiB in {HALF} requests; {GROWTH_KIB} KiB are allowed"
    );
    service.stop()?;
    Ok(Outcome::Passed)
}

/// Sends the requests with these numbers, each exactly once, and checks each answer.
fn send(ready: &Ready, golden: &[Golden], numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let next = AtomicUsize::new(numbers.start);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = KeepAlive::open(ready.api)?;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= numbers.end {
                            return anyhow::Ok(());
                        }
                        ask(&mut connection, ready, golden, number)
                            .with_context(|| format!("request {number}"))?;
                    }
                })
            })
            .collect();
        workers.into_iter().try_for_each(joined)
    })
}

/// The result of a worker; a panic is passed on.
fn joined(worker: ScopedJoinHandle<'_, anyhow::Result<()>>) -> anyhow::Result<()> {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Sends one request and checks its answer.
fn ask(connection: &mut KeepAlive, ready: &Ready, golden: &[Golden], number: usize) -> anyhow::Result<()> {
    if number.is_multiple_of(STRANGER_EVERY) {
        let path = format!("/nowhere/{number}");
        let answer = connection.send(&keep_alive::post(ready, &path, &[], "{}"))?;
        ensure!(answer.status == 404, "{path} was answered by {answer:?}");
        return Ok(());
    }
    let row = golden.get(number % golden.len()).context("no golden row")?;
    let answer = connection.send(&keep_alive::post(ready, "/api", &[], &row.body))?;
    ensure!(answer.status == 200 && answer.body == row.answer, "{} was answered by {answer:?}", row.body);
    Ok(())
}
