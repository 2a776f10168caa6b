//! `cargo xtask bench scaling`: what a request costs as its surroundings grow: cores, open connections, rows in a batch,
//! identities.
//!
//! Each axis is measured alone, its sizes in turns. Must never measure two of them at once: what grew would be unknown.

use std::borrow::Borrow;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, ensure};
use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spread::{Spread, figure};
use super::{Bench, wrk};
use crate::artifact;
use crate::development::Development;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, KeepAlive};
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::service::{Ready, Service};
use crate::workspace::Workspace;

const RESULT: &str = "services/inference/benches/results/scaling.json";

/// Each size once in each, so that what else the machine does falls on all of them.
const ROUNDS: usize = 3;

/// That are measured, one after the other, in a round of a size.
const REQUESTS: u32 = 10_000;

const SECONDS: u32 = 4;

const CORES: [u32; 2] = [1, 2];
const CONNECTIONS: [u32; 5] = [1, 10, 100, 1_000, 10_000];
const ROWS: [u32; 4] = [1, 10, 100, 1_000];
const IDENTITIES: [u32; 4] = [1, 1_000, 100_000, 1_000_000];

/// Whoever asked once is remembered for an hour: none of them is forgotten while it is measured.
const EVERYBODY: &str = "everybody rate=1/h burst=100000\n";

pub(super) const BENCH: Bench = Bench {
    name: "scaling",
    summary: "what a request costs with 1 to 2 cores, 10,000 connections, 1,000 rows in a batch, 1,000,000 identities",
    needs: &["wrk"],
    run,
};

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    rounds: usize,
    /// As many requests under way as wrk has connections.
    cores: Vec<Point>,
    /// One request at a time from here on, on each connection in turn.
    connections: Vec<Point>,
    /// For one row.
    rows: Vec<Point>,
    /// Each with a token of its own, in turn.
    identities: Vec<Point>,
}

/// What one size came to.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Point {
    pub(crate) size: u32,
    /// Of the service, for one request, or for one row of it.
    pub(crate) processor_us: Spread,
    /// Until the whole answer is there.
    pub(crate) p50_us: Spread,
    pub(crate) p99_us: Spread,
    /// When all was asked.
    pub(crate) resident_mib: Spread,
}

/// What one round of a size came to.
#[derive(Debug)]
struct Sample {
    processor_us: f64,
    p50_us: f64,
    p99_us: f64,
    resident_mib: f64,
}

/// The service, and those who ask it.
struct Scaling<'a> {
    workspace: &'a Workspace,
    binary: PathBuf,
    development: Development,
    rows: Vec<Golden>,
}

/// A request and the answer that it must get.
struct Question {
    request: Vec<u8>,
    answer: String,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let development = Development::build(workspace)?;
    development.make_key("HS256", "scaling")?;
    let scaling = Scaling {
        workspace,
        binary: artifact::service(workspace)?,
        development,
        rows: golden::load(workspace)?,
    };
    let results = Results {
        command: "cargo xtask bench scaling",
        machine: Machine::read(workspace)?,
        rounds: ROUNDS,
        cores: axis("cores", &CORES, |cores| scaling.with_cores(cores))?,
        connections: axis("connections", &CONNECTIONS, |connections| scaling.with_connections(connections))?,
        rows: axis("rows in a batch", &ROWS, |rows| scaling.with_rows(rows))?,
        identities: axis("identities", &IDENTITIES, |identities| scaling.with_identities(identities))?,
    };
    fs::write(workspace.path(RESULT), serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT}");
    Ok(Outcome::Passed)
}

/// All sizes of one axis, printed once they are known.
fn axis(
    what: &str,
    sizes: &[u32],
    measure: impl Fn(u32) -> anyhow::Result<Sample>,
) -> anyhow::Result<Vec<Point>> {
    let mut samples: Vec<Vec<Sample>> = sizes.iter().map(|_| Vec::new()).collect();
    for round in 1..=ROUNDS {
        for (size, samples) in sizes.iter().zip(&mut samples) {
            samples.push(measure(*size).with_context(|| format!("{what}: {size}"))?);
        }
        eprintln!("    {what}: round {round} of {ROUNDS}");
    }
    let points = sizes
        .iter()
        .zip(&samples)
        .map(|(size, samples)| Point::of(*size, samples))
        .collect::<anyhow::Result<Vec<_>>>()?;
    show(what, &points);
    Ok(points)
}

impl Point {
    fn of(size: u32, samples: &[Sample]) -> anyhow::Result<Self> {
        let spread = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of).collect());
        Ok(Self {
            size,
            processor_us: spread(|sample| sample.processor_us)?,
            p50_us: spread(|sample| sample.p50_us)?,
            p99_us: spread(|sample| sample.p99_us)?,
            resident_mib: spread(|sample| sample.resident_mib)?,
        })
    }
}

impl Scaling<'_> {
    /// A worker for each core, and no core besides.
    fn with_cores(&self, cores: u32) -> anyhow::Result<Sample> {
        let mut command = Command::new("taskset");
        command.arg("--cpu-list").arg(format!("0-{}", cores - 1)).arg(&self.binary);
        command.env("TOKIO_WORKER_THREADS", cores.to_string());
        let service = Service::start_command(command, &[])?;
        let (shell, row) = (self.workspace.shell()?, self.first()?);
        let ask = |seconds| wrk::run(&shell, service.ready().api, &service.ready().token, &row.body, seconds);
        ask(1)?;
        let (counts, used) = service.processor_ns_of(|| ask(SECONDS))?;
        let sample = Sample {
            processor_us: figure(used) / 1e3 / figure(counts.requests),
            p50_us: figure(counts.p50_us),
            p99_us: figure(counts.p99_us),
            resident_mib: resident_mib(&service)?,
        };
        service.stop()?;
        Ok(sample)
    }

    /// All of them open, and used before.
    fn with_connections(&self, connections: u32) -> anyhow::Result<Sample> {
        let service = Service::start(&self.binary, &["--max-connections", "10001"])?;
        let row = self.first()?;
        let question = Question {
            request: keep_alive::post(service.ready(), "/api", &[], &row.body),
            answer: row.answer.clone(),
        };
        let mut open = Vec::new();
        for _ in 0..connections {
            let mut connection = KeepAlive::open(service.ready().api)?;
            question.ask(&mut connection)?;
            open.push(connection);
        }
        asked(service, &mut open, 1, |_| Ok(&question))
    }

    /// As `POST /api` takes them.
    fn with_rows(&self, rows: u32) -> anyhow::Result<Sample> {
        let service = Service::start(&self.binary, &[])?;
        let question = self.batch(service.ready(), rows)?;
        let mut connection = KeepAlive::open(service.ready().api)?;
        asked(service, std::slice::from_mut(&mut connection), rows, |_| Ok(&question))
    }

    /// All of them known, each by one request before.
    fn with_identities(&self, identities: u32) -> anyhow::Result<Sample> {
        let classes = self.development.write("everybody", EVERYBODY)?;
        let secret = self.development.file("scaling.secret")?;
        let known = IDENTITIES.iter().max().context("no size")?.to_string();
        let options = ["--mode", "production", "--jwt-secret", &secret, "--quota-classes", &classes];
        let service = Service::start(&self.binary, &[&options[..], &["--quota-keys", &known]].concat())?;
        let (api, row, issuer) = (service.ready().api, self.first()?, Issuer::new(Path::new(&secret))?);
        let question = |of: u32| issuer.question(api, of % identities, row);
        let mut connection = KeepAlive::open(api)?;
        for identity in 0..identities {
            question(identity)?.ask(&mut connection)?;
        }
        asked(service, std::slice::from_mut(&mut connection), 1, question)
    }

    fn first(&self) -> anyhow::Result<&Golden> {
        self.rows.first().context("no golden row")
    }

    /// So many golden rows, the first again after the last.
    fn batch(&self, ready: &Ready, rows: u32) -> anyhow::Result<Question> {
        let (mut array, mut classes) = (Vec::new(), Vec::new());
        for (Golden { body, answer }, _) in self.rows.iter().cycle().zip(0..rows) {
            let (body, answer): (Value, Value) = (serde_json::from_str(body)?, serde_json::from_str(answer)?);
            array.push(body.get("array").context("a golden row without an array")?.clone());
            classes
                .push(answer.pointer("/predicciones/0").context("a golden answer without a class")?.clone());
        }
        let body = json!({ "array": array }).to_string();
        let answer = json!({ "predicciones": classes }).to_string();
        Ok(Question { request: keep_alive::post(ready, "/api", &[], &body), answer })
    }
}

/// Who makes the tokens: a million processes of `inference token` would take an hour.
struct Issuer(EncodingKey);

impl Issuer {
    fn new(secret: &Path) -> anyhow::Result<Self> {
        Ok(Self(EncodingKey::from_secret(fs::read_to_string(secret)?.trim_end().as_bytes())))
    }

    /// What the identity of that number asks.
    fn question(&self, api: SocketAddr, identity: u32, row: &Golden) -> anyhow::Result<Question> {
        let expires = SystemTime::UNIX_EPOCH.elapsed()?.as_secs() + 3_600;
        let claims = json!({
            "iss": "puntual-development",
            "aud": "puntual",
            "sub": format!("client-{identity}"),
            "exp": expires,
        });
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0)?;
        let bearer = format!("Bearer {token}");
        Ok(Question {
            request: keep_alive::post_without_token(api, "/api", &[("authorization", &bearer)], &row.body),
            answer: row.answer.clone(),
        })
    }
}

impl Question {
    fn ask(&self, connection: &mut KeepAlive) -> anyhow::Result<()> {
        let answer = connection.send(&self.request)?;
        ensure!(answer.status == 200 && answer.body == self.answer, "{answer:?}");
        Ok(())
    }
}

/// One request at a time, on each connection in turn. What one costs is divided by `parts`.
fn asked<Q: Borrow<Question>>(
    service: Service,
    connections: &mut [KeepAlive],
    parts: u32,
    question: impl Fn(u32) -> anyhow::Result<Q>,
) -> anyhow::Result<Sample> {
    let mut latencies = Histogram::<u64>::new(3)?;
    let ((), used) = service.processor_ns_of(|| {
        for number in 0..REQUESTS {
            let question = question(number)?;
            let next = usize::try_from(number)? % connections.len();
            let connection = connections.get_mut(next).context("no connection")?;
            let begun = Instant::now();
            question.borrow().ask(connection)?;
            latencies.record(u64::try_from(begun.elapsed().as_nanos())?)?;
        }
        Ok(())
    })?;
    let resident_mib = resident_mib(&service)?;
    service.stop()?;
    let quantile = |quantile| figure(latencies.value_at_quantile(quantile)) / 1e3;
    Ok(Sample {
        processor_us: figure(used) / 1e3 / f64::from(REQUESTS) / f64::from(parts),
        p50_us: quantile(0.5),
        p99_us: quantile(0.99),
        resident_mib,
    })
}

fn resident_mib(service: &Service) -> anyhow::Result<f64> {
    Ok(figure(service.resident_kib()?) / 1_024.0)
}

fn show(what: &str, points: &[Point]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        what,
        "processor, µs",
        "p50, µs",
        "p99, µs",
        "resident, MiB",
    ]);
    for Point { size, processor_us, p50_us, p99_us, resident_mib } in points {
        let medians = [processor_us, p50_us, p99_us, resident_mib].map(|spread| spread.median.to_string());
        table.add_row(std::iter::once(size.to_string()).chain(medians));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
