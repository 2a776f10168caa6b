//! The header of the PROXY protocol, version 2 (haproxy's `doc/proxy-protocol.txt`, §2.2): a trusted proxy says first
//! of all whose connection it passes on. Read to its last byte and no further, bounded in size and time. Version 1 is
//! not spoken: no balancer that we know of speaks only that.
//!
//! Who speaks it is known beforehand, by the proxies' addresses, and never guessed from what comes (§2).

use std::net::SocketAddr;

use ppp::v2::{Addresses, Command, Header, ParseError, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use super::connection::{Connections, End};

/// The fixed part of a header, which tells the length of the rest.
const FIXED_BYTES: usize = 16;

/// Longest header that is read: what fits into the smallest segment that every host takes (§2).
const MOST_BYTES: usize = 536;

/// Why a trusted proxy's connection was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    /// Something else than a header, or one that is not understood.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// A header that announces more than is read.
    #[error("a header of {0} bytes; expected at most {MOST_BYTES}")]
    TooLong(usize),
    /// The connection broke off in the middle.
    #[error("the connection ended after {0} bytes of the header")]
    Truncated(usize),
    /// A header that did not come in time.
    #[error("the header took too long")]
    Overdue,
}

impl Connections {
    /// The address of the client whose connection this is: its own, or the one that a trusted proxy passes on.
    pub(super) async fn client<T>(&self, io: &mut T, peer: SocketAddr) -> Result<SocketAddr, End>
    where
        T: AsyncRead + Unpin,
    {
        let config = self.config();
        if !config.proxies.proxy_protocol || !config.proxies.trusts(peer.ip()) {
            return Ok(peer);
        }
        tokio::select! {
            // As long as the head of a request may take; at least the 3 s of §2, which cover a lost packet.
            read = timeout(config.header_timeout, read(io)) => {
                Ok(read.unwrap_or(Err(End::NoProxyHeader(HeaderError::Overdue)))?.unwrap_or(peer))
            }
            () = self.no_longer_waited_for() => Err(End::Dropped),
        }
    }
}

/// Reads a header; gives the client's address, or `None` where it names none.
async fn read<T: AsyncRead + Unpin>(io: &mut T) -> Result<Option<SocketAddr>, End> {
    let mut bytes = [0; MOST_BYTES];
    let mut got = 0;
    loop {
        let whole = match Header::try_from(bytes.get(..got).unwrap_or_default()) {
            Ok(header) => return Ok(source(&header)),
            Err(ParseError::Incomplete(_)) => FIXED_BYTES,
            Err(ParseError::Partial(_, rest)) => FIXED_BYTES + rest,
            Err(error) => return Err(End::NoProxyHeader(error.into())),
        };
        // No byte further than the header: those are the client's.
        let Some(missing) = bytes.get_mut(got..whole) else {
            return Err(End::NoProxyHeader(HeaderError::TooLong(whole)));
        };
        match io.read(missing).await {
            // A balancer that only looks whether somebody listens.
            Ok(0) if got == 0 => return Err(End::Closed),
            Ok(0) => return Err(End::NoProxyHeader(HeaderError::Truncated(got))),
            Ok(more) => got += more,
            Err(error) => return Err(End::Broken(Box::new(error))),
        }
    }
}

/// The client's address. A proxy that speaks for itself, as for its health checks (`LOCAL`), and a client that does not
/// come by TCP have none: the connection's own counts then (§2.2).
fn source(header: &Header<'_>) -> Option<SocketAddr> {
    if header.command != Command::Proxy || header.protocol != Protocol::Stream {
        return None;
    }
    match header.addresses {
        Addresses::IPv4(of) => Some((of.source_address, of.source_port).into()),
        Addresses::IPv6(of) => Some((of.source_address, of.source_port).into()),
        Addresses::Unspecified | Addresses::Unix(_) => None,
    }
}
