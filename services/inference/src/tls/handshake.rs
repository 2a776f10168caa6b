//! From a connection to one that is secure, with what the client proved. Bounds no time and counts nothing: that is
//! the listener's.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::standing::Standing;
use super::{CertificateRefusal, Tls};

/// A connection after its handshake.
#[derive(Debug)]
pub(crate) struct Secured<T> {
    pub(crate) io: TlsStream<T>,
    /// Of the client's certificate, where it brought one.
    pub(crate) standing: Option<Arc<Standing>>,
}

/// Why there was none.
#[derive(Debug)]
pub(crate) enum Unsecured {
    /// The client's certificate.
    Certificate(CertificateRefusal),
    /// Something else that either side did not take.
    Protocol(rustls::Error),
    /// The connection was gone.
    Gone(io::Error),
}

impl Tls {
    /// Makes the handshake. Where it fails the connection is given back, with the alert that says why on its way.
    pub(crate) async fn accept<T>(&self, io: T) -> Result<Secured<T>, (Unsecured, T)>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut by = self.material.subscribe();
        // From here on `by` knows what is newer than what the handshake goes by.
        let server = Arc::clone(&by.borrow_and_update().server);
        let io = TlsAcceptor::from(server).accept(io).into_fallible().await;
        let io = io.map_err(|(error, io)| (Unsecured::because(error), io))?;
        let Some(chain) = io.get_ref().1.peer_certificates() else {
            return Ok(Secured { io, standing: None });
        };
        let chain = chain.iter().map(|der| der.clone().into_owned()).collect();
        match Standing::new(chain, self.config.tls_identity, by, self.clock.clone()) {
            Ok(standing) => Ok(Secured { io, standing: Some(Arc::new(standing)) }),
            Err(refusal) => Err((Unsecured::Certificate(refusal), io.into_inner().0)),
        }
    }
}

impl Unsecured {
    fn because(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => match CertificateRefusal::of(error) {
                Some(refusal) => Self::Certificate(refusal),
                None => Self::Protocol(error.clone()),
            },
            None => Self::Gone(error),
        }
    }
}
