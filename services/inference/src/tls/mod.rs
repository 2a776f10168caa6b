//! TLS of the API listener: the server's certificate, which client certificates are let in, and the change of both
//! while connections are open. It must never name a caller's rights: whom a certificate names is read by `identity`,
//! what the named may do is decided there and in `admission`.
//!
//! | when | what is looked at |
//! |---|---|
//! | at the start, and when a file changed | everything that the files hold; what is not right is not taken |
//! | in the handshake | the client's chain: times, CA, key usage, revocation, and that it has the key |
//! | on each request, and when the files or the time change | the same again, where the answer could be another |

mod config;
mod error;
mod files;
mod handshake;
mod material;
mod refusal;
mod standing;

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

pub use self::config::TlsConfig;
pub use self::error::{TlsError, TlsProblem};
use self::files::Files;
pub(crate) use self::handshake::{Secured, Unsecured};
use self::material::Material;
pub use self::refusal::CertificateRefusal;
pub(crate) use self::standing::Standing;
use crate::identity::Clock;
use crate::telemetry::events;

/// What connections are secured with. Cloning gives another handle to the same.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<TlsConfig>,
    clock: Clock,
    material: watch::Sender<Arc<Material>>,
}

/// What a reload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The files hold something else, and new handshakes go by it. Open connections are looked at again.
    Applied,
    /// They hold what is gone by already.
    Unchanged,
}

impl Tls {
    /// Reads and checks the files; `None` where the settings ask for no TLS.
    ///
    /// # Errors
    /// [`TlsError`], which names the setting, the file and what would be right.
    pub fn load(config: &TlsConfig, clock: Clock) -> Result<Option<Self>, TlsError> {
        let Some(files) = Files::read(config)? else { return Ok(None) };
        let material = Material::build(&files, &clock)?;
        events::TlsLoaded { crl_next_update: material.next_update() }.emit();
        let material = watch::Sender::new(Arc::new(material));
        Ok(Some(Self { config: Arc::new(config.clone()), clock, material }))
    }

    /// How the settings are.
    #[must_use]
    pub fn config(&self) -> &TlsConfig {
        &self.config
    }

    /// Reads the files again, checks them, and goes by them from now on.
    ///
    /// # Errors
    /// [`TlsError`] where something is not right; what was there goes on, all of it.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let Some(files) = Files::read(&self.config)? else { return Ok(Reload::Unchanged) };
        if files.digest() == self.material.borrow().digest {
            return Ok(Reload::Unchanged);
        }
        let material = Material::build(&files, &self.clock)?;
        events::TlsReloaded { crl_next_update: material.next_update() }.emit();
        self.material.send_replace(Arc::new(material));
        Ok(Reload::Applied)
    }

    /// Reloads on `SIGHUP` and when a file changed, for as long as the service runs.
    ///
    /// What was refused is tried again at each look, because a certificate of tomorrow is right tomorrow and a key may
    /// be written after its certificate; it is told of once.
    ///
    /// # Errors
    /// Where the signal's handler cannot be installed.
    pub async fn keep_fresh(self) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut poll = tokio::time::interval(self.config.tls_poll);
        let mut told = None;
        loop {
            let asked = tokio::select! {
                _ = hangup.recv() => true,
                _ = poll.tick() => false,
            };
            let tls = self.clone();
            // Reads files and checks signatures: not on a thread that answers requests.
            let reloaded = tokio::task::spawn_blocking(move || tls.reload()).await;
            let wrong = match reloaded {
                Ok(Ok(Reload::Applied)) => None,
                Ok(Ok(Reload::Unchanged)) => {
                    if asked {
                        events::TlsUnchanged.emit();
                    }
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(panic) => Some(panic.to_string()),
            };
            if let Some(error) = wrong.as_deref().filter(|_| asked || wrong != told) {
                events::TlsRefused { error }.emit();
            }
            told = wrong;
        }
    }
}
