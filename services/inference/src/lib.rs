//! The flight-delay inference service, as a library so that tests, fuzz targets and benches enter by the same doors
//! as the binary. It must never know about Terraform, Grafana or alert rules.

pub mod admin;
pub mod admission;
pub mod api;
pub mod cli;
pub mod client;
pub mod config;
pub mod crypto;
pub mod dev;
pub mod drain;
pub mod evaluate;
#[cfg(feature = "faults")]
mod faults;
pub mod identity;
pub mod listen;
pub mod metrics;
pub mod model;
pub mod openapi;
pub mod prober;
mod ready_file;
pub mod row;
pub mod serve;
pub mod telemetry;
pub mod tls;
