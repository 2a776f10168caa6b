//! Where the parts of the stack listen: on loopback, at ports that nobody has.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::process;

/// How ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ports {
    /// Those that compose.yaml publishes, for a person; another where one is taken.
    Usual,
    /// Any that is free, for a test.
    Free,
}

impl Ports {
    /// An address on loopback that nobody listens on now.
    pub(super) fn address(self, usual: u16) -> anyhow::Result<SocketAddr> {
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, usual));
        Ok(if self == Self::Usual && TcpListener::bind(usual).is_ok() {
            usual
        } else {
            process::free_address()?
        })
    }
}
