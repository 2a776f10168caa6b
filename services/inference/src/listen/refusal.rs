//! What a connection beyond the bound is told.
//!
//! It is accepted and answered rather than left in the kernel's queue: a client that waits there has a
//! connection, sends its request and hears nothing until its own timeout; nothing counts it, and when its
//! turn comes, nobody waits for the answer any more. An answer at once lets it go elsewhere, and the count
//! says that the bound was met.

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::watched_io::CLOSE_LINGER;

/// How many are told at the same time, each for at most [`CLOSE_LINGER`]; more are closed without a word.
/// Without this bound the refused would be the connections that nothing bounds.
pub(super) const REFUSED_AT_ONCE: usize = 64;

/// The same kind of problem that a request hears when all places for requests are taken.
const PROBLEM: &str = concat!(
    r#"{"type":"urn:puntual:problem:overloaded","title":"The service is at its limit","status":503,"#,
    r#""code":"overloaded","detail":"all places for connections are taken; retry after 1 s","#,
    r#""error":"all places for connections are taken; retry after 1 s"}"#,
);

/// The whole answer, made once. In HTTP/1: to a client that speaks HTTP/2 it is a connection that ends at
/// once.
pub(super) fn answer() -> Bytes {
    let length = PROBLEM.len();
    Bytes::from(format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         content-length: {length}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{PROBLEM}"
    ))
}

/// Sends the last bytes, of an answer or none, and closes so that what was sent can be read.
pub(super) async fn refuse<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, last: Bytes) {
    let told = timeout(CLOSE_LINGER, async {
        io.write_all(&last).await?;
        io.shutdown().await?;
        let mut thrown_away = [0; 1024];
        while io.read(&mut thrown_away).await? > 0 {}
        Ok::<(), std::io::Error>(())
    });
    if let Ok(Err(error)) = told.await {
        tracing::debug!(%error, "a refused connection did not hear why");
    }
}
