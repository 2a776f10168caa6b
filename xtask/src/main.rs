//! The workspace's own tasks. `cargo xtask --help` lists them; this file is their table of contents.
//!
//! Must never hold a task's work: each arm is one call into the module that owns it.

mod artifact;
mod attacks;
mod bench;
mod cost;
mod delivery;
mod development;
mod drill;
mod e2e;
mod figures;
mod fuzz;
mod generate;
mod golden;
mod image;
mod keep_alive;
mod latencies;
mod machine;
mod marks;
mod metrics_page;
mod model;
mod openssl;
mod outcome;
mod process;
mod report;
mod runbooks;
mod service;
mod stack;
mod test;
mod tidy;
mod tls_client;
mod tools;
mod up;
mod wait;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Examples:
  cargo xtask test --quick          while working: what needs nothing beyond Rust
  cargo xtask test clippy tests     only these steps; --list shows all
  cargo xtask test                  before a pull request: everything
  cargo xtask generate              after a change of something that other files are made from
  cargo xtask e2e curl              one end-to-end test
  cargo xtask up --traffic 50       the service, watched and asked 50 times a second
  cargo xtask drill bad-model       a service that breaks: does its runbook help?
  cargo xtask bench service         what a request costs, beside a bare server's
  cargo xtask plan --help           how the cloud is planned, applied, delivered to; the same for each task";

/// The workspace's own tasks.
///
/// A newcomer needs two commands: `cargo run --release` starts the service, `cargo xtask test` checks everything.
/// While working, `cargo xtask test --quick` takes what needs no tools beyond Rust's own.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true, after_help = EXAMPLES)]
struct Options {
    /// Nobody is watching: a skipped test is a failure.
    #[arg(long, env = "CI", global = true, hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    ci: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run every check: format, lints, licences, tests, generated files, fuzzing, the shipped binary end to end
    Test(test::TestOptions),
    /// Write the files that are made from others; with --check, say which are stale
    Generate(generate::GenerateOptions),
    /// Check the workspace's own rules: inherited settings, file lengths, links, names, module docs
    Tidy,
    /// Install what the tests need, pinned, in .tools/ (system packages through apt-get)
    Tools(tools::ToolsOptions),
    /// Run a script of services/inference/model in the locked Python environment
    Model(model::ModelOptions),
    /// Start the service and everything that watches it, until Ctrl-C; without Docker
    Up(up::UpOptions),
    /// Break something of the local stack, and see whether its alert and its runbook help; without a name, list what
    Drill(drill::DrillOptions),
    /// Run one end-to-end test; without a name, list them
    E2e(e2e::E2eOptions),
    /// Run one benchmark; without a name, list them
    Bench(bench::BenchOptions),
    /// Build the image into a file, with its digest and its bill of materials
    Image(delivery::ImageOptions),
    /// Copy a built image into a registry, and sign it there
    Publish(delivery::PublishOptions),
    /// Copy an image from one registry to another, with its signature
    Promote(delivery::PromoteOptions),
    /// Say what Terraform would change in an environment's cloud, for a pull request or to find drift
    Plan(delivery::PlanOptions),
    /// Make an environment's cloud what is written
    Apply(delivery::ApplyOptions),
    /// Deliver an image by its digest: a canary first, promoted or taken back by what its objectives say
    Deploy(delivery::DeployOptions),
    /// Make an image, by its digest, the only version at once
    Rollback(delivery::RollbackOptions),
}

fn main() -> ExitCode {
    let options = Options::parse();
    match Workspace::locate(options.ci).and_then(|workspace| run(&workspace, &options.task)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(workspace: &Workspace, task: &Task) -> anyhow::Result<ExitCode> {
    match task {
        // Each says itself how it ended.
        Task::Test(options) => return test::run(workspace, options),
        Task::Deploy(options) => return delivery::deploy(workspace, options),
        Task::Generate(options) => generate::run(workspace, options),
        Task::Tidy => tidy::run(workspace),
        Task::Tools(options) => tools::run(workspace, options),
        Task::Model(options) => model::run(workspace, options),
        Task::Up(options) => up::run(workspace, options),
        Task::Drill(options) => drill::run(workspace, options),
        Task::E2e(options) => e2e::run(workspace, options),
        Task::Bench(options) => bench::run(workspace, options),
        Task::Image(options) => delivery::image(workspace, options),
        Task::Publish(options) => delivery::publish(workspace, options),
        Task::Promote(options) => delivery::promote(workspace, options),
        Task::Plan(options) => delivery::plan(workspace, options),
        Task::Apply(options) => delivery::apply(workspace, options),
        Task::Rollback(options) => delivery::rollback(workspace, options),
    }?;
    Ok(ExitCode::SUCCESS)
}
