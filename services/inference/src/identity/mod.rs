//! Who is calling, and by what proof. Everything behind this module knows a caller only as an [`Identity`]; how it was
//! proved, and why another was refused, stays in here.

mod authenticate;
mod certificate;
mod clock;
mod config;
mod jose_header;
mod jwks_client;
mod jwks_location;
mod jwt;
mod key_refresh;
mod key_set;
mod key_source;
mod key_store;
mod keys;
mod policy;
mod refetch;
mod refusal;
mod token_cache;

use std::sync::Arc;

pub use authenticate::{Authenticator, bearer_token};
pub use certificate::{ClientCertificate, SubjectName};
pub use clock::Clock;
pub use config::IdentityConfig;
pub use jwks_client::FetchError;
pub use jwks_location::JwksLocation;
pub use jwt::{Verified, Verifier};
pub use key_refresh::{KeyRefresh, KeyRefreshConfig};
pub use key_set::KeySet;
pub use key_source::{KeySource, KeySourceError};
pub use key_store::{Change, KeyStore};
pub(crate) use keys::secret_in;
pub use keys::{KeyError, SigningAlgorithm, VerificationKey};
pub use policy::{Method, Policy};
pub use refusal::Refusal;
pub use token_cache::TokenCache;

use crate::admission::Class;

/// A caller whose proof was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who it is: the token's `sub`, or the certificate's name.
    pub subject: Arc<str>,
    /// How much it may ask.
    pub class: Class,
}
