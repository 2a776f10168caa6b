//! The load test through its command line, against servers that are wrong in each way in which a load test was ever
//! believed.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod beside;
mod capacity;
mod credentials;
mod generator;
mod harness;
mod history;
mod ladder;
mod otlp;
mod overload;
mod progress;
mod server;
mod shares;
mod verdicts;
