//! Small things that several tasks need when they run other programs.
//!
//! Commands themselves are run through `xshell`, whose error names the command line. Must never bind or connect to
//! anything but loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context as _;

/// An address on loopback that nobody listens on now.
///
/// Another process may take it before the caller does; a program that can bind port 0 itself and say which port it got
/// is the better way.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}

/// Whether a program of this name is found in `PATH`.
pub(crate) fn is_in_path(program: &str) -> bool {
    which::which(program).is_ok()
}

/// A path as text for a command line.
pub(crate) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
