//! Taking connections from the kernel, also when it has trouble giving them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How long to wait after an error that says something about this process or machine and not about one
/// connection, such as too many open files: it will be there again at once, and trying at full speed would
/// only take the time that open connections need to end.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection. Nothing is lost when this is dropped.
pub(super) async fn next(tcp: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match tcp.accept().await {
            Ok(connection) => return connection,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, pause = ?PAUSE, "cannot accept connections; they wait");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Stops listening and gives the connections that the kernel had made already.
///
/// Asked without tokio: what tokio knows of a socket is as old as its last look at the event queue. Between
/// the last of these and the end of the socket there are microseconds, not a turn of the runtime.
pub(super) fn rest(tcp: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let mut listener =
        tcp.into_std().inspect_err(|error| tracing::warn!(%error, "cannot take the last connections"));
    std::iter::from_fn(move || {
        loop {
            match listener.as_ref().ok()?.accept() {
                Ok((io, peer)) => match from_std(io) {
                    Ok(io) => return Some((io, peer)),
                    Err(error) => tracing::debug!(%peer, %error, "cannot take a connection"),
                },
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    // Dropped here and not with the iterator: nothing may come between.
                    listener = Err(error);
                }
            }
        }
    })
}

fn from_std(io: std::net::TcpStream) -> io::Result<TcpStream> {
    io.set_nonblocking(true)?;
    TcpStream::from_std(io)
}

/// Errors that the connection had before it was taken; the next one is none the worse.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            // A firewall on this machine: accept(2).
            | io::ErrorKind::PermissionDenied
    )
}
