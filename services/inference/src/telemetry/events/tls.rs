//! What TLS is made with, and the client certificates that were refused.

use tracing::{debug, error, info};

use super::installed;

/// The files of TLS were read at the start.
#[derive(Debug, Clone, Copy)]
pub struct TlsLoaded {
    /// When the first of the CRLs ends, in seconds since the Unix epoch; `None` without CRLs.
    pub crl_next_update: Option<u64>,
}

impl TlsLoaded {
    /// Sets the gauge.
    pub fn emit(self) {
        set_next_update(self.crl_next_update);
        info!(crl_next_update = self.crl_next_update, "TLS files loaded");
    }
}

/// Other files of TLS were read while the service runs; connections go by them from now on.
#[derive(Debug, Clone, Copy)]
pub struct TlsReloaded {
    /// When the first of the CRLs ends, in seconds since the Unix epoch; `None` without CRLs.
    pub crl_next_update: Option<u64>,
}

impl TlsReloaded {
    /// Counts the reload and sets the gauge.
    pub fn emit(self) {
        set_next_update(self.crl_next_update);
        installed().instruments.tls_reloads_applied.increment(1);
        info!(crl_next_update = self.crl_next_update, "TLS files reloaded");
    }
}

/// A reload was asked for, and the files hold what is gone by already.
#[derive(Debug, Clone, Copy)]
pub struct TlsUnchanged;

impl TlsUnchanged {
    /// Counts the reload.
    pub fn emit(self) {
        installed().instruments.tls_reloads_unchanged.increment(1);
        info!("TLS files unchanged");
    }
}

/// Files that should have been gone by while the service runs were refused; what was there goes on.
#[derive(Debug, Clone, Copy)]
pub struct TlsRefused<'a> {
    /// What is wrong, with which file.
    pub error: &'a str,
}

impl TlsRefused<'_> {
    /// Counts the refused reload.
    pub fn emit(self) {
        installed().instruments.tls_reloads_refused.increment(1);
        error!(error = self.error, "TLS files refused, those before go on");
    }
}

/// A client's certificate was refused in the handshake, or lost its open connection.
#[derive(Debug, Clone, Copy)]
pub struct CertificateRefused {
    /// One of a closed set of reasons.
    pub reason: &'static str,
}

impl CertificateRefused {
    /// Counts the decision.
    pub fn emit(self) {
        installed().instruments.auth("mtls", self.reason, 1);
        debug!(reason = self.reason, "client certificate refused");
    }
}

fn set_next_update(seconds: Option<u64>) {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    let seconds = seconds.unwrap_or(0) as f64;
    installed().instruments.crl_next_update.set(seconds);
}
