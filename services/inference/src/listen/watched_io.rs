//! The bytes of one connection on their way, watched: what comes and what cannot be sent is told to the
//! [`Activity`], and the end is made so that the client can read the last answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::activity::Activity;

/// RFC 9113 §3.4: with these bytes a client says that it speaks HTTP/2.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a connection is read after our last byte, what comes thrown away. A socket that is closed with
/// unread bytes makes the kernel send a reset, and a reset makes the client's kernel throw away the answer it
/// has not read yet (RFC 9112 §9.6): a client that still sends its too large body would never see the 413. 1
/// s: a round trip for our last byte and the client's.
pub(super) const CLOSE_LINGER: Duration = Duration::from_secs(1);

/// A socket, or what will be laid around it.
#[derive(Debug)]
pub(super) struct WatchedIo<T> {
    io: T,
    activity: Arc<Activity>,
    protocol: Protocol,
    write_blocked: bool,
    read_to_end: bool,
    lingering: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    /// So many bytes of the preface have come, and nothing else.
    Unknown {
        matched: usize,
    },
    Http1,
    Http2,
}

impl<T: AsyncRead + AsyncWrite + Unpin> WatchedIo<T> {
    pub(super) fn new(io: T, activity: Arc<Activity>) -> Self {
        let protocol = Protocol::Unknown { matched: 0 };
        Self { io, activity, protocol, write_blocked: false, read_to_end: false, lingering: None }
    }

    fn received(&mut self, bytes: &[u8]) {
        match self.protocol {
            Protocol::Http2 => return,
            Protocol::Http1 => {}
            Protocol::Unknown { matched } => {
                let expected = HTTP2_PREFACE.get(matched..).unwrap_or_default();
                let compared = expected.len().min(bytes.len());
                if expected.get(..compared) != bytes.get(..compared) {
                    self.protocol = Protocol::Http1;
                } else if compared == expected.len() {
                    self.protocol = Protocol::Http2;
                    return self.activity.speaks_http2();
                } else {
                    self.protocol = Protocol::Unknown { matched: matched + compared };
                }
            }
        }
        self.activity.received();
    }

    fn watch_write<R>(&mut self, polled: Poll<R>) -> Poll<R> {
        // The shared state is only touched when it changes: nearly never.
        if self.write_blocked != polled.is_pending() {
            self.write_blocked = polled.is_pending();
            self.activity.write_blocked(self.write_blocked);
        }
        polled
    }

    /// Reads until the client is done or its time is.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut thrown_away = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(()) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        self.lingering.get_or_insert_with(|| Box::pin(sleep(CLOSE_LINGER))).as_mut().poll(cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for WatchedIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => self.received(bytes),
            // Nothing was asked for, or nothing will come any more.
            _ => self.read_to_end = buffer.remaining() > 0,
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WatchedIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.watch_write(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.watch_write(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        self.watch_write(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        }
        if !self.read_to_end {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
