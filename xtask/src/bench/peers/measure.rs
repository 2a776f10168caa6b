//! One system of the comparison: started, asked for every row, put under load, stopped. Must never let a figure stand
//! whose answers were wrong.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use xshell::{Shell, cmd};

use super::super::spread::figure;
use super::catalogue::Peer;
use super::limits::{self, Limit};
use super::processes;
use crate::artifact;
use crate::development::Development;
use crate::golden::{self, Golden};
use crate::latencies;
use crate::process;
use crate::stack::Part;
use crate::workspace::Workspace;

/// What the capacity is looked for with, and what the latencies are measured with.
pub(super) const SCENARIOS: [&str; 2] =
    ["loadtest/scenarios/peers-capacity.yaml", "loadtest/scenarios/peers-latency.yaml"];

/// How far a capacity may be below the truth, in requests a second.
const STEP: &str = "25";

/// What asks: the load test, with a token that whoever checks tokens accepts.
#[derive(Debug)]
pub(super) struct Client<'a> {
    workspace: &'a Workspace,
    shell: Shell,
    rows: Vec<Golden>,
    /// A file with the model as scikit-learn has it.
    pickle: PathBuf,
    /// A file with the secret of the token.
    secret: String,
    token: String,
    token_file: String,
}

/// A system, with or without tokens.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// Whether it checks who asks.
    pub(super) tokens: bool,
    program: Program,
    /// What of it lies on the disk.
    files: PathBuf,
}

#[derive(Debug)]
enum Program {
    Puntual,
    Peer(&'static Peer),
    Limit(Limit),
}

/// What one round found of one system.
#[derive(Debug)]
pub(super) struct Measured {
    /// The highest rate at which the objectives are met; 0 where none held.
    pub(super) good_per_second: f64,
    /// Nanoseconds.
    pub(super) latencies: Histogram<u64>,
    /// For one request at the rate of the latencies.
    pub(super) processor_us: f64,
    pub(super) resident_mib: f64,
    pub(super) start_ms: f64,
}

/// The part of `loadtest/schema/capacity.json` that is compared.
#[derive(Deserialize)]
struct Capacity {
    configurations: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    rounds: Vec<Round>,
}

#[derive(Deserialize)]
struct Round {
    held: Option<Held>,
}

#[derive(Deserialize)]
struct Held {
    good_per_second: f64,
}

/// The part of `loadtest/schema/result.json` that is compared.
#[derive(Deserialize)]
struct RunResult {
    phases: Vec<Phase>,
}

#[derive(Deserialize)]
struct Phase {
    phase: Timing,
    measurement: Measurement,
}

#[derive(Deserialize)]
struct Timing {
    warm_up_seconds: f64,
    seconds: f64,
}

#[derive(Deserialize)]
struct Measurement {
    offered: u64,
    #[serde(deserialize_with = "latencies::read")]
    latency: Histogram<u64>,
}

impl<'a> Client<'a> {
    pub(super) fn build(workspace: &'a Workspace, development: &Development) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        cmd!(shell, "cargo build --quiet --release --locked --package loadtest").run()?;
        development.make_key("HS256", "peers")?;
        let token = development.token("peers.secret", &["--algorithm", "HS256", "--expires-in", "1d"])?;
        let token_file = development.write("token", &token)?;
        let secret = development.file("peers.secret")?;
        let pickle = PathBuf::from(development.file("flights.pickle")?);
        let (python, training) = (workspace.python(), workspace.path("services/inference/model"));
        cmd!(shell, "{python} loadtest/peers/flask/make_pickle.py {pickle}")
            .env("PYTHONPATH", training)
            .run()?;
        Ok(Self { workspace, shell, rows: golden::load(workspace)?, pickle, secret, token, token_file })
    }

    /// Whether every row is answered right, of which there are some.
    fn check(&self, address: SocketAddr, rows: &[&Golden]) -> anyhow::Result<()> {
        ensure!(!rows.is_empty(), "no golden row");
        for row in rows {
            let answer = self.ask(address, row)?;
            ensure!(answer == row.answer, "{} is answered with {answer}, not {}", row.body, row.answer);
        }
        Ok(())
    }

    fn ask(&self, address: SocketAddr, row: &Golden) -> anyhow::Result<String> {
        let mut answer = ureq::post(format!("http://{address}/api"))
            .header("authorization", format!("Bearer {}", self.token))
            .content_type("application/json")
            .send(&row.body)?;
        Ok(answer.body_mut().read_to_string()?)
    }

    /// What the load test writes about it; that an objective broke is a finding too.
    fn load<T: DeserializeOwned>(&self, arguments: &[&str], address: SocketAddr) -> anyhow::Result<T> {
        let folder = tempfile::tempdir()?;
        let (out, token) = (folder.path().join("out.json"), &self.token_file);
        let loadtest = self.workspace.path("target/release/loadtest");
        let target = format!("http://{address}");
        let output =
            cmd!(self.shell, "{loadtest} {arguments...} --target {target} --token-file {token} --out {out}")
                .ignore_status()
                .quiet()
                .output()?;
        let said = || String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
        ensure!(matches!(output.status.code(), Some(0 | 1)), "{}: {}", output.status, said());
        serde_json::from_slice(&fs::read(&out).with_context(said)?).context("the load test's result")
    }
}

impl Subject {
    /// puntual itself, as it ships; without tokens, the example that lets everybody in.
    pub(super) fn puntual(workspace: &Workspace, tokens: bool) -> anyhow::Result<Self> {
        let binary =
            if tokens { artifact::service(workspace)? } else { artifact::example(workspace, "open")? };
        Ok(Self { name: "puntual", tokens, program: Program::Puntual, files: binary })
    }

    pub(super) fn peer(workspace: &Workspace, peer: &'static Peer, tokens: bool) -> Self {
        let files = workspace.environment(peer.environment);
        Self { name: peer.name, tokens, program: Program::Peer(peer), files }
    }

    pub(super) fn limit(limit: Limit) -> Self {
        Self { name: limit.name, tokens: false, files: limit.file.clone(), program: Program::Limit(limit) }
    }

    /// As it is called while it is measured.
    pub(super) fn title(&self) -> String {
        format!("{}, {} tokens", self.name, if self.tokens { "with" } else { "without" })
    }

    /// Of the program, or of the environment that it runs in.
    pub(super) fn disk_mib(&self) -> anyhow::Result<f64> {
        let files = ignore::WalkBuilder::new(&self.files).standard_filters(false).build();
        let bytes = files.map(|file| {
            let metadata = file?.metadata()?;
            Ok(if metadata.is_file() { metadata.len() } else { 0 })
        });
        Ok(mib(bytes.sum::<anyhow::Result<u64>>()?))
    }

    /// Starts it, measures it and stops it.
    pub(super) fn measure(&self, client: &Client<'_>) -> anyhow::Result<Measured> {
        let folder = tempfile::tempdir()?;
        let address = process::free_address()?;
        let command = self.command(client, &folder, address)?;
        let begun = Instant::now();
        let mut part = Part::start("server", command, folder.path())?;
        let rows = self.rows(client);
        let row = rows.first().context("no golden row")?;
        part.ready(|_| Ok(client.ask(address, row).is_ok()))?;
        let start_ms = begun.elapsed().as_secs_f64() * 1e3;
        client.check(address, &rows)?;
        let [capacity, latency] = self.scenarios(client, &folder)?;

        let before = processes::look(part.id())?;
        let RunResult { phases } = client.load(&["run", &latency], address)?;
        let after = processes::look(part.id())?;
        let [Phase { phase, measurement }] = &phases[..] else { anyhow::bail!("expected one phase") };
        let requests = figure(measurement.offered) * (phase.warm_up_seconds + phase.seconds) / phase.seconds;

        let capacity: Capacity =
            client.load(&["capacity", &capacity, "--rounds", "1", "--step", STEP], address)?;
        part.stop()?;
        let rounds = capacity.configurations.into_iter().flat_map(|configuration| configuration.rounds);
        let held = rounds.filter_map(|round| round.held).map(|held| held.good_per_second);
        Ok(Measured {
            good_per_second: held.fold(0.0, f64::max),
            latencies: measurement.latency.clone(),
            processor_us: (after.processor_seconds - before.processor_seconds) * 1e6 / requests,
            resident_mib: mib(after.resident_bytes),
            start_ms,
        })
    }

    /// What it is asked: a limit, only what it is right about.
    fn rows<'c>(&self, client: &'c Client<'_>) -> Vec<&'c Golden> {
        let is_limit = matches!(self.program, Program::Limit(_));
        client.rows.iter().filter(|row| !is_limit || row.answer == limits::ANSWER).collect()
    }

    /// The scenarios' files; those of a limit say in addition which rows are sent.
    fn scenarios(&self, client: &Client<'_>, folder: &TempDir) -> anyhow::Result<[String; 2]> {
        let mut files = SCENARIOS.map(str::to_owned);
        if matches!(self.program, Program::Limit(_)) {
            for file in &mut files {
                let text = client.shell.read_file(&*file)?;
                let name = Path::new(file.as_str()).file_name().context("a scenario without a name")?;
                let told = folder.path().join(name);
                fs::write(&told, text + limits::ONLY_CLASS)?;
                process::text(&told)?.clone_into(file);
            }
        }
        Ok(files)
    }

    fn command(&self, client: &Client<'_>, folder: &TempDir, address: SocketAddr) -> anyhow::Result<Command> {
        match &self.program {
            Program::Puntual => Ok(self.puntual_command(client, address)),
            Program::Limit(limit) => (limit.command)(&limit.file, folder.path(), address.port()),
            Program::Peer(peer) => {
                let secret = self.tokens.then_some(client.secret.as_str());
                peer.command(client.workspace, folder.path(), address.port(), &client.pickle, secret)
            }
        }
    }

    fn puntual_command(&self, client: &Client<'_>, address: SocketAddr) -> Command {
        let mut command = Command::new(&self.files);
        command.args([
            "--listen",
            &address.to_string(),
            "--admin-listen",
            "127.0.0.1:0",
            "--drain-grace",
            "0s",
        ]);
        if self.tokens {
            command.args(["--mode", "production", "--jwt-secret", &client.secret]);
        } else {
            command.arg("--open");
        }
        command
    }
}

fn mib(bytes: u64) -> f64 {
    figure(bytes) / 1_048_576.0
}
