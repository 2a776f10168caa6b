//! Load tests whose verdict is valid, correct and within the objectives, or says why not.
//!
//! [`scenario`] says what to send, [`engine`] sends it to a [`target`], [`measurement`] adds up what was seen,
//! [`latency`] knows what samples allow to be said, [`verdict`] judges it by the [`objectives`], [`result`] is what is
//! left, [`report`] shows it, [`compare`] says whether two builds differ, [`capacity`] how much one can do, [`ladder`] what a
//! proof of identity costs, [`trend`] whether a figure grows, [`otlp`] tells a collector. [`share`] divides a load among
//! machines, [`merge`] makes one run of what they saw. Must never decide pass or fail by numbers of its own.

pub mod capacity;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod engine;
pub mod ladder;
pub mod latency;
pub mod machine;
pub mod measurement;
pub mod merge;
pub mod objectives;
pub mod otlp;
pub mod payload;
pub mod report;
pub mod result;
pub mod scenario;
pub mod share;
pub mod target;
pub mod trend;
pub mod verdict;
