//! The systems that puntual is compared with, as data: one row each, and how it is started. Their servers and locked
//! environments are in `loadtest/peers`, with what their own documentation says of the settings.
//!
//! Must never set one that its documentation warns of.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::golden;
use crate::workspace::Workspace;

/// One of them.
#[derive(Debug)]
pub(super) struct Peer {
    /// As it is called in the table.
    pub(super) name: &'static str,
    /// Its row in `tools::TOOLS`.
    pub(super) environment: &'static str,
    /// A program of the environment and its arguments; `PORT`, `CORES` and `2*CORES+1` are replaced.
    command: &'static [&'static str],
    /// Settings by environment variables, replaced likewise.
    settings: &'static [(&'static str, &'static str)],
    /// Whether a token can be checked by what it offers or what its users bolt on.
    pub(super) checks_tokens: bool,
}

pub(super) const PEERS: &[Peer] = &[
    Peer {
        name: "Flask, development server",
        environment: "flask",
        command: &["python", "server.py"],
        settings: &[("SERVER_PORT", "PORT")],
        checks_tokens: true,
    },
    Peer {
        name: "Flask, gunicorn",
        environment: "flask",
        command: &["gunicorn", "--workers", "2*CORES+1", "--bind", "127.0.0.1:PORT", "server:app"],
        settings: &[],
        checks_tokens: true,
    },
    Peer {
        name: "FastAPI, uvicorn",
        environment: "fastapi",
        command: &["uvicorn", "--workers", "CORES", "--port", "PORT", "--no-access-log", "server:app"],
        settings: &[],
        checks_tokens: true,
    },
    Peer {
        name: "LitServe",
        environment: "litserve",
        command: &["python", "server.py"],
        settings: &[("SERVER_PORT", "PORT")],
        checks_tokens: true,
    },
    Peer {
        name: "BentoML",
        environment: "bentoml",
        command: &["bentoml", "serve", "server:Server", "--port", "PORT"],
        settings: &[("BENTOML_DO_NOT_TRACK", "True")],
        checks_tokens: true,
    },
    Peer {
        name: "mosec",
        environment: "mosec",
        command: &["python", "server.py", "--address", "127.0.0.1", "--port", "PORT"],
        settings: &[("MOSEC_LOG_LEVEL", "error")],
        checks_tokens: false,
    },
    Peer {
        name: "MLServer",
        environment: "mlserver",
        command: &["mlserver", "start", "."],
        settings: &[
            ("MLSERVER_HTTP_PORT", "PORT"),
            ("MLSERVER_GRPC_PORT", "0"),
            ("MLSERVER_METRICS_PORT", "0"),
            ("MLSERVER_PARALLEL_WORKERS", "CORES"),
            ("MLSERVER_DEBUG", "false"),
        ],
        checks_tokens: false,
    },
];

impl Peer {
    /// The command that starts it at that port, in a folder of its own: some write beside their server.
    pub(super) fn command(
        &self,
        workspace: &Workspace,
        folder: &Path,
        port: u16,
        pickle: &Path,
        secret: Option<&str>,
    ) -> anyhow::Result<Command> {
        let (port, cores) = (port.to_string(), usize::from(std::thread::available_parallelism()?));
        let more = (2 * cores + 1).to_string();
        let replaced = |text: &str| {
            text.replace("PORT", &port).replace("2*CORES+1", &more).replace("CORES", &cores.to_string())
        };
        let sources = workspace.path("loadtest/peers").join(self.environment);
        for file in sources.read_dir().with_context(|| sources.display().to_string())? {
            let file = file?;
            std::fs::copy(file.path(), folder.join(file.file_name()))?;
        }
        let (program, arguments) = self.command.split_first().context("an empty command")?;
        let programs = workspace.environment(self.environment).join("bin");
        let mut command = Command::new(programs.join(program));
        command
            .args(arguments.iter().map(|argument| replaced(argument)))
            .envs(self.settings.iter().map(|(name, value)| (name, replaced(value))))
            .env("MODEL", workspace.path(golden::MODEL))
            .env("PICKLE", pickle)
            .env("PYTHONPATH", workspace.path("loadtest/peers"))
            .current_dir(folder);
        if let Some(secret) = secret {
            command.env("JWT_SECRET_FILE", secret);
        }
        Ok(command)
    }
}
