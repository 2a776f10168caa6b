//! Load tests whose verdict is valid, correct and within the objectives, or says why not.
//!
//! [`latency`] says what samples allow to be said, [`measurement`] adds up what was seen, [`verdict`] judges it by the
//! [`objectives`]. Must never decide pass or fail by numbers of its own.

pub mod latency;
pub mod measurement;
pub mod objectives;
pub mod verdict;
