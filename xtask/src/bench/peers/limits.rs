//! What answers a constant, whatever was sent: how fast anything can be here. Only rows whose answer is that constant are
//! sent to them. Must never be taken for peers, because neither reads a row.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::artifact;
use crate::workspace::Workspace;

/// What they answer; `loadtest/peers/bare` says the same.
pub(super) const ANSWER: &str = r#"{"predicciones":[1]}"#;

/// The same, in a scenario.
pub(super) const ONLY_CLASS: &str = "only_class: 1\n";

/// A worker for each core, no log, and a connection that is kept; all that it writes, in the folder it is given.
const CONFIGURATION: &str = r#"
daemon off;
worker_processes auto;
pid nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 127.0.0.1:PORT;
        location = /api {
            default_type application/json;
            return 200 'ANSWER';
        }
    }
}
"#;

/// One of them.
#[derive(Debug)]
pub(super) struct Limit {
    /// As it is called in the table.
    pub(super) name: &'static str,
    /// The program.
    pub(super) file: PathBuf,
    /// Told where to listen and in which folder it may write.
    pub(super) command: fn(program: &Path, folder: &Path, port: u16) -> anyhow::Result<Command>,
}

/// All of them; axum's handler is built as the service is.
pub(super) fn limits(workspace: &Workspace) -> anyhow::Result<[Limit; 2]> {
    Ok([
        Limit {
            name: "limit: nginx, a constant",
            file: which::which("nginx").context("nginx")?,
            command: nginx,
        },
        Limit {
            name: "limit: bare axum, a constant",
            file: artifact::built(workspace, "bare")?,
            command: |program, _, port| {
                let mut command = Command::new(program);
                command.arg(port.to_string());
                Ok(command)
            },
        },
    ])
}

fn nginx(program: &Path, folder: &Path, port: u16) -> anyhow::Result<Command> {
    let configuration = CONFIGURATION.replace("PORT", &port.to_string()).replace("ANSWER", ANSWER);
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration).with_context(|| file.display().to_string())?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(file);
    Ok(command)
}
