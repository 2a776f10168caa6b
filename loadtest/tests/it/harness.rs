//! The binary as a person runs it.

use std::net::SocketAddr;
use std::process::{Command, Output};

use loadtest::result::RunResult;
use tempfile::TempDir;

/// A token that must be in nothing that is kept.
pub(crate) const TOKEN: &str = "secret-token";

/// A scenario of one phase.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) rate: u32,
    pub(crate) connections: u32,
    pub(crate) threads: u32,
    pub(crate) seconds: u32,
    pub(crate) field: &'static str,
    pub(crate) timeout: &'static str,
    /// A phase for each.
    pub(crate) routes: &'static [&'static str],
    pub(crate) credentials: &'static str,
    pub(crate) objectives: &'static [&'static str],
}

/// What a run said and left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) result: Option<RunResult>,
    pub(crate) kept: String,
}

impl Default for Scenario {
    fn default() -> Self {
        // As many threads as keep the generator from being the one to blame, however busy the machine is.
        Self {
            rate: 1_000,
            connections: 400,
            threads: 8,
            seconds: 3,
            field: "array",
            timeout: "300ms",
            routes: &["api"],
            credentials: "bearer",
            objectives: &["api-latency"],
        }
    }
}

impl Scenario {
    /// Few enough, with time enough, for a service that is not optimised.
    pub(crate) fn gentle(seconds: u32) -> Self {
        Self { rate: 50, connections: 20, seconds, timeout: "10s", objectives: &[], ..Self::default() }
    }

    pub(crate) fn yaml(&self) -> String {
        let Self { rate, connections, threads, seconds, field, timeout, routes, credentials, objectives } =
            self;
        let objectives = objectives.join(", ");
        let field = if *field == "array" { String::new() } else { format!("body_field: {field}\n") };
        let phases: String = routes
            .iter()
            .map(|route| {
                format!(
                    "  - {{ name: {route}, route: {route}, load: open, rate: {rate}, connections: {connections}, \
                     warm_up: 0s, duration: {seconds}s }}\n"
                )
            })
            .collect();
        format!(
            "name: try\nshows: A test.\ncredentials: {credentials}\ntimeout: {timeout}\nthreads: {threads}\n{field}phases:\n{phases}\
             expect:\n  statuses: [{{ status: 200 }}]\n  objectives: [{objectives}]\n"
        )
    }

    /// Against a server of these tests.
    pub(crate) fn run(&self, address: SocketAddr) -> Ran {
        run(&self.yaml(), address)
    }

    /// With these options, in the workspace's folder, where a service can be built.
    pub(crate) fn run_with(&self, options: &[&str]) -> Ran {
        run_with(&self.yaml(), options)
    }
}

/// A scenario's text against a server of these tests.
pub(crate) fn run(scenario: &str, address: SocketAddr) -> Ran {
    run_with_token(scenario, address, &[])
}

/// The same with these options besides.
pub(crate) fn run_with_token(scenario: &str, address: SocketAddr, options: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let target = format!("http://{address}");
    let there = ["--target", &target, "--token-file", token.to_str().unwrap()];
    run_with(scenario, &[&there, options].concat())
}

/// The same with these options, in the workspace's folder, where a service can be built.
pub(crate) fn run_with(scenario: &str, options: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    let (file, result) = (folder.path().join("try.yaml"), folder.path().join("result.json"));
    std::fs::write(&file, scenario).unwrap();
    let output = loadtest().arg("run").arg(file).arg("--out").arg(&result).args(options).output().unwrap();
    let kept = std::fs::read_to_string(result).unwrap_or_default();
    Ran {
        code: output.status.code().unwrap(),
        said: said(&output),
        result: serde_json::from_str(&kept).ok(),
        kept,
    }
}

pub(crate) fn loadtest() -> Command {
    Command::new(env!("CARGO_BIN_EXE_loadtest"))
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
