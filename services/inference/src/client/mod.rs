//! HTTP/1.1 to others: addresses that can be trusted, and connections to them. Knows no proxy of the environment, follows
//! no redirect, and never decides what is asked or for how long.

mod connect;
mod url;

pub use connect::TrustError;
pub(crate) use connect::{Broken, Connector, USER_AGENT};
pub use url::{SecureUrl, SecureUrlError};
