//! Taking an address to listen on, and saying what to do when it cannot be had.

use std::io;
use std::net::{SocketAddr, TcpListener};

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
                "another process has the port: end it, or choose another port with {setting} (port 0: any free one)"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "a port below 1024 needs a right that this process has not: choose one from 1024 on with {setting}"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!(
                "no interface of this machine has the address: choose another with {setting}; 0.0.0.0 is all of them"
            )
        }
        _ => format!("choose another address with {setting}"),
    }
}

/// Binds, so that a failure is known before anything else starts.
pub(crate) fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| ListenError { address, setting, source })
}
