//! Who a client certificate names. Knows nothing of handshakes: what arrives here was verified by `tls`.

use std::sync::Arc;

/// A client certificate that the handshake verified; read once per connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The SPIFFE id, or the subject alternative name that the settings choose; `None` where it has none.
    pub subject: Option<Arc<str>>,
    /// SHA-256 of the certificate's DER: what a token is bound to (RFC 8705 §3.1, `x5t#S256`).
    pub thumbprint: [u8; 32],
}
