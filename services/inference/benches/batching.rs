//! What a dynamic batch could save, and what it would cost: the model's time for a row at several batch sizes, and the
//! hop to a task that would collect the batch and back. Prints one JSON object; `cargo xtask bench batching` keeps it.
//! Must never be a test: it measures time.

use std::hint::black_box;
use std::time::Instant;

use inference::model::{ModelConfig, ModelStore};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

const BATCHES: [usize; 4] = [1, 8, 32, 128];
const ROUNDS: usize = 7;
const RUNS: u32 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ModelStore::load(&ModelConfig::EMBEDDED)?;
    let model = store.current();
    let row = store.golden().rows().first().map(|row| row.array.clone()).unwrap_or_default();
    let mut rows = vec![];
    for batch in BATCHES {
        let values = row.repeat(batch);
        let nanoseconds = best(|| {
            let started = Instant::now();
            for _ in 0..RUNS {
                drop(black_box(model.run(black_box(&values))));
            }
            started.elapsed().as_secs_f64()
        });
        rows.push((batch, nanoseconds));
    }
    let hop = hop()?;
    let single = rows.first().map_or(f64::NAN, |(_, nanoseconds)| *nanoseconds);
    let table: Vec<Value> = rows
        .iter()
        .map(|(batch, nanoseconds)| {
            let for_a_row = nanoseconds / f64::from(u32::try_from(*batch).unwrap_or(1));
            json!({"batch": batch, "ns_for_a_row": for_a_row.round(), "of_a_single_row": round(for_a_row / single)})
        })
        .collect();
    println!(
        "{}",
        json!({"batches": table, "hop_ns": hop.round(), "hop_of_a_single_row": round(hop / single)})
    );
    Ok(())
}

/// The best of several rounds, in nanoseconds a run: what the machine does beside it only ever adds.
fn best(mut round: impl FnMut() -> f64) -> f64 {
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min) * 1e9 / f64::from(RUNS)
}

fn round(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

/// A row to another task and its answer back, between two threads that do nothing else.
fn hop() -> std::io::Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    Ok(runtime.block_on(async {
        let (send, mut receive) = mpsc::channel::<oneshot::Sender<i64>>(64);
        tokio::spawn(async move {
            while let Some(answer) = receive.recv().await {
                // Nobody waits any more: the benchmark is over.
                let _gone = answer.send(1);
            }
        });
        let mut fastest = f64::INFINITY;
        for _ in 0..ROUNDS {
            let send = send.clone();
            let round = tokio::spawn(async move {
                let started = Instant::now();
                for _ in 0..RUNS {
                    let (answer, wait) = oneshot::channel();
                    if send.send(answer).await.is_err() || wait.await.is_err() {
                        return f64::INFINITY;
                    }
                }
                started.elapsed().as_secs_f64()
            });
            fastest = fastest.min(round.await.unwrap_or(f64::INFINITY));
        }
        fastest * 1e9 / f64::from(RUNS)
    }))
}
