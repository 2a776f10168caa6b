//! Taking an address to listen on, and saying what to do when it cannot be had.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// Why an address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; {}", advice(source, setting))]
pub struct ListenError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// The setting it came from.
    pub setting: &'static str,
    /// What the system said.
    pub source: io::Error,
}

fn advice(error: &io::Error, setting: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "another process has the port: end it, or choose another with {setting}; 0 is any free one"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "a port below 1024 needs a right that this process lacks: choose a higher one with {setting}"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!(
                "this machine does not have the address: choose another with {setting}; 0.0.0.0 is all it has"
            )
        }
        _ => format!("choose another address with {setting}"),
    }
}

/// How many connections the kernel keeps that nobody has taken yet: as many as may come in one burst while
/// every thread is busy. The 128 that the standard library asks for are fewer than one load generator opens;
/// the kernel would drop the rest and their clients would try again after a whole second.
const BACKLOG: u32 = 1024;

/// Listens. Must be called within the runtime that will serve.
pub(super) fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ListenError> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart finds the port free although connections of the last run are still being forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| ListenError { address, setting, source })
}
