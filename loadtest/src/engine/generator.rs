//! oha, linked, in a process of its own: it keeps all samples in memory and ends its process when interrupted, so it is
//! no guest in another's. Owns its command line; must never show a token in one, where every user of the machine reads it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use clap::Parser as _;
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{AFTER, EngineError, system};
use crate::payload::{self, Row};
use crate::scenario::{Phase, Scenario};
use crate::target::{Proof, Target};

/// The hidden subcommand in which the harness runs itself as the generator.
const SUBCOMMAND: &str = "generate";

/// Where a secret stood.
const HIDDEN: &str = "authorization: Bearer …";

/// What the generator is told, and where it leaves what it saw.
#[derive(Debug)]
pub(super) struct Order {
    folder: TempDir,
    phase: Phase,
    arguments: Vec<String>,
    threads: u16,
}

/// The same, as it is handed over.
#[derive(Debug, Serialize, Deserialize)]
struct Handed {
    arguments: Vec<String>,
    threads: u16,
}

/// A generator at work; killed when its owner lets go of it.
#[derive(Debug)]
pub(super) struct Working(Child);

impl Order {
    pub(super) fn new(
        scenario: &Scenario,
        phase: Phase,
        target: &Target,
        rows: &[Row],
    ) -> Result<Self, EngineError> {
        let folder = tempfile::tempdir().map_err(system("a temporary folder"))?;
        let bodies = folder.path().join("bodies");
        fs::write(&bodies, payload::lines(rows)).map_err(system("the bodies' file"))?;
        let mut order = Self { folder, phase, arguments: Vec::new(), threads: scenario.threads };
        let phase = &order.phase;
        let file = |path: &Path| path.display().to_string();
        let mut arguments = [
            // Where all samples and the counts of failures go.
            ["--db-url", &file(&order.samples())],
            ["--output", &file(&order.report())],
            ["--output-format", "json"],
            ["--method", "POST"],
            ["-T", "application/json"],
            ["-Z", &file(&bodies)],
            ["-c", &phase.connections.to_string()],
            ["-z", &format!("{}s", phase.warm_up_seconds + phase.seconds + AFTER)],
            ["-t", &format!("{}ms", scenario.timeout.as_millis())],
            ["--worker-threads", &scenario.threads.to_string()],
        ]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
        // The last answers are waited for: a request that was sent is either answered or late.
        arguments.extend(["--no-tui", "-w", "--disable-compression"].map(str::to_owned));
        if let Some(rate) = phase.rate {
            arguments.extend(["-q".to_owned(), rate.to_string(), "--latency-correction".to_owned()]);
        }
        if let Some(authorization) = target.authorization() {
            arguments.extend(["-H".to_owned(), format!("authorization: {authorization}")]);
        }
        if target.has_connection_each() {
            arguments.push("--disable-keepalive".to_owned());
        }
        let Proof { authorities, certificate, .. } = target.proof();
        if let Some(authorities) = authorities {
            arguments.extend(["--cacert".to_owned(), file(authorities)]);
        }
        if let Some((certificate, key)) = certificate {
            arguments.extend(["--cert".to_owned(), file(certificate), "--key".to_owned(), file(key)]);
        }
        arguments.push(target.of(phase.route));
        order.arguments = arguments;
        Ok(order)
    }

    /// What it is told, without secrets and without the machine's folders.
    pub(super) fn flags(&self) -> Vec<String> {
        let shown = |argument: &String| {
            let path = Path::new(argument);
            match path.file_name() {
                _ if argument.starts_with("authorization:") => HIDDEN.to_owned(),
                Some(name) if path.is_absolute() => format!("…/{}", name.display()),
                _ => argument.clone(),
            }
        };
        self.arguments.iter().map(shown).collect()
    }

    /// What it sends.
    pub(super) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// A database with a row for each answer.
    pub(super) fn samples(&self) -> PathBuf {
        self.folder.path().join("samples.sqlite")
    }

    /// Counts, among them those of failures, which are no rows.
    pub(super) fn report(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }

    /// What it wrote besides.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default().trim().to_owned()
    }

    /// Starts a process for it.
    pub(super) fn start(&self) -> Result<Working, EngineError> {
        let start = || -> io::Result<Working> {
            let mut child = Command::new(std::env::current_exe()?)
                .arg(SUBCOMMAND)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(File::create(self.folder.path().join("stderr"))?)
                .spawn()?;
            let stdin = child.stdin.take();
            let working = Working(child);
            let handed = Handed { arguments: self.arguments.clone(), threads: self.threads };
            if let Some(mut stdin) = stdin {
                stdin.write_all(&serde_json::to_vec(&handed)?)?;
            }
            Ok(working)
        };
        start().map_err(system("the generator's process"))
    }
}

impl Working {
    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, EngineError> {
        self.0.try_wait().map_err(system("the generator's process"))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Does what standard input says, as oha would with that command line.
#[must_use]
pub fn generate() -> ExitCode {
    let done = || -> Result<(), String> {
        // Whoever kills a run wants no more requests sent.
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
        let handed: Handed = serde_json::from_reader(io::stdin()).map_err(|error| error.to_string())?;
        let arguments = std::iter::once("oha".to_owned()).chain(handed.arguments);
        let options = oha::Opts::try_parse_from(arguments).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(handed.threads.into())
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(oha::run(options)).map_err(|error| format!("{error:#}"))
    };
    match done() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
