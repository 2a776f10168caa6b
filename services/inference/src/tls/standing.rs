//! Whether the certificate that a connection was begun with would be let in now. Asked for each request and whenever
//! the answer could have changed; costs a look at a clock and at a counter while it cannot have. Ends no connection:
//! that is the listener's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio::time::Instant;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::CertificateRefusal;
use super::material::{Material, seconds};
use crate::identity::{ClientCertificate, Clock, SubjectName};

/// A client's certificate on one connection.
#[derive(Debug)]
pub(crate) struct Standing {
    certificate: Arc<ClientCertificate>,
    /// As the client sent it.
    chain: Vec<CertificateDer<'static>>,
    /// For each of the chain the first second, since the Unix epoch, in which it is not valid any more.
    ends: Vec<u64>,
    clock: Clock,
    judged: Mutex<Judged>,
}

/// The last look at it.
#[derive(Debug)]
struct Judged {
    by: watch::Receiver<Arc<Material>>,
    /// From this second on another look is due, whether or not the material changes.
    until: u64,
    lost: Option<CertificateRefusal>,
}

impl Standing {
    /// Of a chain that the handshake just verified with the material that `by` saw last.
    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        name: SubjectName,
        by: watch::Receiver<Arc<Material>>,
        clock: Clock,
    ) -> Result<Self, CertificateRefusal> {
        let first = chain.first().ok_or(CertificateRefusal::BadCertificate)?;
        // Nobody could say when it ends.
        end(first).ok_or(CertificateRefusal::BadCertificate)?;
        let certificate = Arc::new(ClientCertificate::read(first, name));
        // What cannot be read behind it was of no use to the handshake either.
        let ends: Vec<u64> = chain.iter().filter_map(end).collect();
        let until = by.borrow().judged_until(&ends, clock.now());
        Ok(Self { certificate, chain, ends, clock, judged: Mutex::new(Judged { by, until, lost: None }) })
    }

    /// Whom it names.
    pub(crate) fn certificate(&self) -> &Arc<ClientCertificate> {
        &self.certificate
    }

    /// Looks again where that is due. Once lost is lost for this connection.
    pub(crate) fn check(&self) -> Result<(), CertificateRefusal> {
        let mut judged = self.lock();
        if let Some(refusal) = judged.lost {
            return Err(refusal);
        }
        let now = self.clock.now();
        // An error says that there will be no other material.
        if judged.by.has_changed().unwrap_or(false) || now >= judged.until {
            let material = Arc::clone(&judged.by.borrow_and_update());
            judged.lost = material.verify(&self.chain, now).err();
            judged.until = material.judged_until(&self.ends, now);
        }
        judged.lost.map_or(Ok(()), Err)
    }

    /// Whether the last look lost it.
    pub(crate) fn is_lost(&self) -> bool {
        self.lock().lost.is_some()
    }

    /// Until when nothing changes by time alone; `None` for never.
    pub(crate) fn judged_until(&self) -> Option<Instant> {
        let left = self.lock().until.saturating_sub(self.clock.now());
        Instant::now().checked_add(Duration::from_secs(left))
    }

    /// Returns when there is material that [`check`](Self::check) has not seen.
    pub(crate) async fn unseen_material(&self) {
        let mut by = self.lock().by.clone();
        if by.changed().await.is_err() {
            std::future::pending().await
        }
    }

    fn lock(&self) -> MutexGuard<'_, Judged> {
        // Never waits: the connection's own task is the only one that asks.
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first second after the time that a certificate is valid for (RFC 5280 §4.1.2.5: `notAfter` is still in it).
fn end(der: &CertificateDer<'_>) -> Option<u64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(seconds(certificate.validity.not_after).saturating_add(1))
}
