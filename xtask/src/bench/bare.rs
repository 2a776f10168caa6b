//! The bare axum handler as a process: built as the service is, killed when its owner lets go of it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::artifact;
use crate::workspace::Workspace;

/// A running bare handler.
#[derive(Debug)]
pub(super) struct Bare {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Bare {
    /// Builds it with the service's profile and flags, and starts it.
    pub(super) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let binary = artifact::built(workspace, "bare")?;
        let mut child = Command::new(&binary)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut address = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        let read = BufReader::new(stdout).read_line(&mut address);
        let mut bare = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        read?;
        bare.address = address.trim().parse().with_context(|| format!("not an address: {address:?}"))?;
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
