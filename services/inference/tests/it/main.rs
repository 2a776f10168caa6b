//! The service through its public doors: sockets and command line. One binary for all tests, because linking is what
//! takes the time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the functions that are tests, not those that tests call; a test fails by panicking"
)]

mod admin;
mod algorithms;
mod api_description;
mod bad_input;
mod certificate_names;
mod certificates;
mod client_certificates;
mod connection_age;
mod connection_counts;
mod development_certificates;
mod development_keys;
mod drain;
#[cfg(feature = "faults")]
mod faults;
mod identity_provider;
mod issuer;
mod jwks;
mod key_files;
mod listener;
mod made;
mod metrics_catalogue;
mod models;
mod policies;
mod prediction;
mod probe;
mod probing;
mod properties;
mod protocols;
mod quotas;
mod raw_doors;
mod running;
mod saturation;
mod service;
mod startup;
mod tls;
mod tls_reload;
mod tls_settings;
mod token_memory;
mod tokens;
mod trusted_proxies;
mod wire;
