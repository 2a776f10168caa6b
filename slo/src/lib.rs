//! The compiler of objectives: one file of definitions in, everything that holds a reliability number out.
//!
//! [`document`] reads YAML, [`definition`] says what ours may hold and checks it, [`numbers`] are exact, [`indicator`]
//! turns every indicator into one pair of expressions (bad, total), [`rules`] knows only that pair, [`dashboards`] only
//! what is recorded or in the [`catalogue`]. Must never talk to a cloud.

pub mod backtest;
pub mod catalogue;
pub mod cli;
pub mod commands;
pub mod dashboards;
pub mod definition;
pub mod delivery;
pub mod document;
pub mod exposition;
pub mod forecast;
pub mod generate;
pub mod http;
pub mod indicator;
pub mod mutants;
pub mod needs;
pub mod numbers;
pub mod objectives;
pub mod outputs;
pub mod prometheus;
pub mod query;
pub mod rule_tests;
pub mod rules;
pub mod runbook;
