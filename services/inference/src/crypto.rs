//! The one cryptographic provider: aws-lc. Installed explicitly, because jsonwebtoken panics on the first token where
//! feature unification leaves it none, or two, to choose from.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// Installs the provider for the whole process. Calling it again changes nothing.
pub fn install_provider() {
    // An error says that one is installed already: by an earlier call, as nothing else installs one.
    let _already_installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// What TLS is made with: given to each configuration, so that none looks for one of the process.
#[must_use]
pub fn tls_provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
