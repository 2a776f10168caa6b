//! The one cryptographic provider: aws-lc. Installed explicitly, because jsonwebtoken panics on the first token where
//! feature unification leaves it none, or two, to choose from.

/// Installs the provider for the whole process. Calling it again changes nothing.
pub fn install_provider() {
    // An error says that one is installed already: by an earlier call, as nothing else installs one.
    let _already_installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
