//! `cargo xtask bench auth`: what each proof of who is calling costs, against the same service without it.
//!
//! Instructions by callgrind are what repeats; time of the processor, measured without it, is what is paid. One binary
//! for all of it, the example `open`: the service with one policy more, which asks nobody.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::spread::{Spread, figure, rounded};
use super::{Bench, callgrind};
use crate::artifact;
use crate::development::Development;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, KeepAlive};
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::tls_client::TlsClient;
use crate::workspace::Workspace;

const RESULT: &str = "services/inference/benches/results/auth.json";

pub(super) const BENCH: Bench = Bench {
    name: "auth",
    summary: "instructions and processor time of each proof of identity, against the same without it",
    needs: &["valgrind"],
    run,
};

/// Runs that are counted without callgrind, of each kind in turns.
const ROUNDS: usize = 7;

/// What it must reach: shares of what the same costs without the proof.
const TARGETS: Targets = Targets { remembered_token: 1.10, certificate_on_a_kept_connection: 1.03 };

#[derive(Debug, Serialize)]
struct Targets {
    remembered_token: f64,
    certificate_on_a_kept_connection: f64,
}

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// All on one that is kept.
    Kept,
    /// Each on its own.
    Each,
}

/// What is measured.
#[derive(Debug)]
struct Kind {
    name: String,
    /// What it is compared with, by its name; itself where with nothing.
    against: &'static str,
    options: Vec<String>,
    token: Option<String>,
    client: Option<TlsClient>,
    connections: Connections,
    target: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Cost {
    name: String,
    against: &'static str,
    instructions: u64,
    instructions_share: f64,
    processor_us: Spread,
    processor_share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    targets: Targets,
    /// For one request.
    costs: Vec<Cost>,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::example(workspace, "open")?;
    let golden = golden::load(workspace)?;
    let row = golden.first().context("no golden row")?;
    let development = Development::build(workspace)?;
    let kinds = kinds(&development)?;
    let costs = measure(&binary, row, &kinds)?;
    show(&costs);
    let results = Results {
        command: "cargo xtask bench auth",
        machine: Machine::read(workspace)?,
        targets: TARGETS,
        costs,
    };
    let path = workspace.path(RESULT);
    fs::write(&path, serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT}");
    Ok(Outcome::Passed)
}

const NONE: &str = "no proof";
const TLS: &str = "TLS alone";
const HANDSHAKE: &str = "TLS alone, a connection each";

fn kinds(development: &Development) -> anyhow::Result<Vec<Kind>> {
    let open = vec!["--open".to_owned()];
    let mut kinds = vec![Kind {
        name: NONE.to_owned(),
        against: NONE,
        options: open.clone(),
        token: None,
        client: None,
        connections: Connections::Kept,
        target: None,
    }];
    for algorithm in ["HS256", "RS256", "ES256", "EdDSA"] {
        let (setting, public, private) = match algorithm {
            "HS256" => ("--jwt-secret", "HS256.secret", "HS256.secret"),
            _ => ("--jwt-public-key", "pub.pem", "key.pem"),
        };
        let file =
            |end: &str| if end.contains("secret") { end.to_owned() } else { format!("{algorithm}.{end}") };
        development.make_key(algorithm, algorithm)?;
        let token = development.token(&file(private), &["--algorithm", algorithm])?;
        let options = ["--mode", "production", setting, &development.file(&file(public))?].map(str::to_owned);
        for (how, age, target) in
            [("remembered", "1h", Some(TARGETS.remembered_token)), ("checked each time", "0s", None)]
        {
            kinds.push(Kind {
                name: format!("{algorithm}, {how}"),
                against: NONE,
                options: [&options[..], &["--token-cache-age".to_owned(), age.to_owned()]].concat(),
                token: Some(token.clone()),
                client: None,
                connections: Connections::Kept,
                target,
            });
        }
    }
    kinds.extend(over_tls(development, &open)?);
    Ok(kinds)
}

fn over_tls(development: &Development, open: &[String]) -> anyhow::Result<Vec<Kind>> {
    development.make_certificates()?;
    let path = |name: &str| development.file(name).map(PathBuf::from);
    let (ca, certificate, key) = (path("ca.pem")?, path("client.pem")?, path("client.key.pem")?);
    let server = [
        "--tls-certificate",
        &development.file("server.pem")?,
        "--tls-key",
        &development.file("server.key.pem")?,
    ]
    .map(str::to_owned);
    let clients =
        ["--tls-client-ca", &development.file("ca.pem")?, "--tls-crl", &development.file("crl.pem")?]
            .map(str::to_owned);
    let by_certificate = ["--mode", "production", "--policy", "mtls"].map(str::to_owned);
    let shows_nothing = TlsClient::new(&ca, None)?;
    let shows = TlsClient::new(&ca, Some((&certificate, &key)))?;
    let kind = |name: &str, against, options: &[&[String]], client: &TlsClient, connections, target| Kind {
        name: name.to_owned(),
        against,
        options: options.concat(),
        token: None,
        client: Some(client.clone()),
        connections,
        target,
    };
    let (alone, proved) = ([&server[..], open], [&server[..], &clients, &by_certificate]);
    let least = Some(TARGETS.certificate_on_a_kept_connection);
    Ok(vec![
        kind(TLS, NONE, &alone, &shows_nothing, Connections::Kept, None),
        kind("client certificate", TLS, &proved, &shows, Connections::Kept, least),
        kind(HANDSHAKE, TLS, &alone, &shows_nothing, Connections::Each, None),
        kind("client certificate, a connection each", HANDSHAKE, &proved, &shows, Connections::Each, None),
    ])
}

fn measure(binary: &Path, row: &Golden, kinds: &[Kind]) -> anyhow::Result<Vec<Cost>> {
    let mut instructions = Vec::new();
    for kind in kinds {
        let (few, many) = kind.requests();
        let count = |requests| {
            callgrind::instructions(binary, &kind.options(), |service| kind.ask(service, row, requests))
        };
        instructions.push((count(many)? - count(few)?) / (many - few));
        eprintln!("    {}: {} instructions", kind.name, instructions.last().copied().unwrap_or_default());
    }
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 1..=ROUNDS {
        for (kind, times) in kinds.iter().zip(&mut times) {
            times.push(kind.processor_us(binary, row)?);
        }
        eprintln!("    round {round} of {ROUNDS}");
    }
    let times = times.into_iter().map(Spread::of).collect::<anyhow::Result<Vec<_>>>()?;
    let at = |name: &str| kinds.iter().position(|kind| kind.name == name).context("nothing of that name");
    kinds
        .iter()
        .zip(&instructions)
        .zip(&times)
        .map(|((kind, counted), time)| {
            let against = at(kind.against)?;
            let (base, base_time) =
                (instructions.get(against).context("no count")?, times.get(against).context("no time")?);
            Ok(Cost {
                name: kind.name.clone(),
                against: kind.against,
                instructions: *counted,
                instructions_share: share(*counted, *base),
                processor_us: time.clone(),
                processor_share: rounded(time.median / base_time.median),
                target: kind.target,
            })
        })
        .collect()
}

fn share(counted: u64, base: u64) -> f64 {
    rounded(figure(counted) / figure(base))
}

impl Kind {
    /// Two numbers of requests, between whose lives nothing else differs. Seeding its generator from the processor's
    /// jitter costs each life another million of instructions or two, which is to be little against the difference.
    const fn requests(&self) -> (u64, u64) {
        match (self.connections, self.target) {
            (Connections::Each, _) => (50, 350),
            (Connections::Kept, None) if self.token.is_some() => (500, 2_500),
            (Connections::Kept, _) => (1_000, 21_000),
        }
    }

    /// Whether a request is traced is chance, and is not what is asked about.
    fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).chain(["--trace-sample-ratio", "0"]).collect()
    }

    fn ask(&self, service: &Service, row: &Golden, requests: u64) -> anyhow::Result<()> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let fields: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let request = keep_alive::post_without_token(service.ready().api, "/api", &fields, &row.body);
        let open = || match &self.client {
            None => KeepAlive::open(service.ready().api),
            Some(client) => client.open(service.ready().api),
        };
        let mut connection = open()?;
        for done in 0..requests {
            if self.connections == Connections::Each && done > 0 {
                connection = open()?;
            }
            let answer = connection.send(&request)?;
            ensure!(answer.status == 200 && answer.body == row.answer, "{}: {answer:?}", self.name);
        }
        Ok(())
    }

    /// Of one request, in microseconds, the kernel's part with it.
    fn processor_us(&self, binary: &Path, row: &Golden) -> anyhow::Result<f64> {
        let requests = if self.connections == Connections::Kept { 5_000 } else { 500 };
        let service = Service::start(binary, &self.options())?;
        self.ask(&service, row, requests / 10)?;
        let ((), used) = service.processor_ns_of(|| self.ask(&service, row, requests))?;
        service.stop()?;
        Ok(figure(used) / 1e3 / figure(requests))
    }
}

fn show(costs: &[Cost]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "what",
        "against",
        "instructions",
        "share",
        "target",
        "processor, µs",
        "share",
    ]);
    for cost in costs {
        table.add_row([
            cost.name.clone(),
            if cost.name == cost.against { String::new() } else { cost.against.to_owned() },
            cost.instructions.to_string(),
            format!("{:.3}", cost.instructions_share),
            cost.target.map(|target| format!("≤ {target}")).unwrap_or_default(),
            format!("{:.1}", cost.processor_us.median),
            format!("{:.3}", cost.processor_share),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
