//! The time before a connection is served in which it becomes a secure one: bounded, and ended with the service.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::connection::{Connections, End};
use super::refusal;
use super::requests::Peer;
use crate::drain::Phase;
use crate::tls::{Secured, Tls, Unsecured};

impl Connections {
    /// Serves a connection that was just accepted, after its handshake where there is TLS.
    pub(super) async fn take<T>(&self, io: T, address: SocketAddr, tls: Option<&Tls>) -> End
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = tls else {
            return self.serve(io, Peer { address, certificate: None }, None).await;
        };
        match self.handshake(tls, io).await {
            Ok(Secured { io, standing }) => {
                let certificate = standing.as_ref().map(|standing| Arc::clone(standing.certificate()));
                self.serve(io, Peer { address, certificate }, standing).await
            }
            Err(end) => end,
        }
    }

    /// Makes the handshake. A client that fails hears why: the alert would be lost with what it still sends.
    async fn handshake<T>(&self, tls: &Tls, io: T) -> Result<Secured<T>, End>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let made = tokio::select! {
            made = timeout(tls.config().tls_handshake_timeout, tls.accept(io)) => made,
            () = self.no_longer_waited_for() => return Err(End::Dropped),
        };
        let (end, io) = match made {
            Ok(Ok(secured)) => return Ok(secured),
            Ok(Err((Unsecured::Certificate(refusal), io))) => (End::Disowned(refusal), io),
            Ok(Err((Unsecured::Protocol(error), io))) => (End::Unsecured(error), io),
            Ok(Err((Unsecured::Gone(error), _))) => return Err(End::Broken(Box::new(error))),
            Err(_) => return Err(End::HandshakeOverdue),
        };
        refusal::refuse(io, Bytes::new()).await;
        Err(end)
    }

    /// At the end of the service the beginning of a connection is waited for no longer than a request could be on its way.
    pub(super) async fn no_longer_waited_for(&self) {
        let mut phase = self.phases();
        // Waiting cannot fail, because the sender lives in `self`; what it gives would hold up the next phase.
        drop(phase.wait_for(|now| *now >= Phase::Closing).await);
        tokio::select! {
            () = sleep(self.linger()) => {}
            _ = phase.wait_for(|now| *now >= Phase::Over) => {}
        }
    }
}
