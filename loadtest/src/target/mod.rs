//! What is asked, and as whom: a service that is there, or one that is started here and ends with the run. Must never
//! send anything.

mod balancer;
mod cores;
mod instance;
mod proof;
mod started;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

pub use self::started::{StartError, Started};
use crate::payload::Route;
use crate::scenario::Credentials;

/// Whom to ask, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// Such as `http://127.0.0.1:8080`.
    url: String,
    proof: Proof,
    process: Option<u32>,
    /// Where the service counts its answers, if it was started here.
    metrics: Option<String>,
    has_connection_each: bool,
    /// The token of another client.
    neighbour: Option<String>,
}

/// What can be shown to a service, and by what it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Bearer tokens, one of each client.
    pub tokens: Vec<String>,
    /// A file with a client certificate, and one with its key, in PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// A file with the authorities that the service's own certificate may be of, in PEM; without it, those that everybody
    /// trusts.
    pub authorities: Option<PathBuf>,
}

/// Credentials without what they are shown by.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lacking {
    /// No token.
    #[error("requests prove who sends them by a bearer token; give its file with --token-file")]
    Token,
    /// Fewer than there are clients.
    #[error("{clients} clients send requests, and there are tokens of {given}; a line for each in the file")]
    Tokens {
        /// How many there are.
        clients: u16,
        /// So many have one.
        given: usize,
    },
    /// No client certificate.
    #[error("requests prove who sends them by a client certificate; give it with --cert and --key")]
    Certificate,
}

impl Target {
    /// At that address, where requests of so many clients prove by `credentials` who sends them, and show nothing else.
    ///
    /// # Errors
    ///
    /// When the proof lacks what they need.
    pub fn new(url: &str, credentials: Credentials, clients: u16, proof: Proof) -> Result<Self, Lacking> {
        let tokens = if credentials.wants_token() { proof.tokens } else { Vec::new() };
        match tokens.len() {
            0 if credentials.wants_token() => return Err(Lacking::Token),
            given if given > 0 && given < clients.into() => return Err(Lacking::Tokens { clients, given }),
            _ => {}
        }
        let certificate = credentials
            .wants_certificate()
            .then(|| proof.certificate.ok_or(Lacking::Certificate))
            .transpose()?;
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            proof: Proof { tokens, certificate, ..proof },
            process: None,
            metrics: None,
            has_connection_each: credentials.has_connection_each(),
            neighbour: None,
        })
    }

    /// The same, asked by another client, if it knows one.
    pub(crate) fn neighbour(&self) -> Option<Self> {
        Some(self.shown(self.neighbour.clone()?))
    }

    /// The same, asked by each of so many clients, by its own token where there are tokens.
    pub(crate) fn by_each(&self, clients: u16) -> Vec<Self> {
        let by = |client: u16| self.proof.tokens.get(usize::from(client)).cloned();
        (0..clients)
            .map(|client| by(client).map_or_else(|| self.clone(), |token| self.shown(token)))
            .collect()
    }

    fn shown(&self, token: String) -> Self {
        Self { proof: Proof { tokens: vec![token], ..self.proof.clone() }, ..self.clone() }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its address for what speaks in the clear.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        let said = |kind, why| io::Error::new(kind, format!("{} {why}", self.url));
        let authority = self.url.strip_prefix("http://");
        let authority = authority.ok_or_else(|| said(io::ErrorKind::InvalidInput, "is not http://"))?;
        let mut addresses = authority.to_socket_addrs()?;
        addresses.next().ok_or_else(|| said(io::ErrorKind::NotFound, "has no address"))
    }

    /// What is shown to it.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Whether each request has a connection of its own.
    pub(crate) fn has_connection_each(&self) -> bool {
        self.has_connection_each
    }

    /// The service's process, if it was started here.
    pub(crate) fn process(&self) -> Option<u32> {
        self.process
    }

    /// Where the service counts its answers, if it was started here and is the only one.
    pub(crate) fn metrics(&self) -> Option<&str> {
        self.metrics.as_deref()
    }

    pub(crate) fn of(&self, route: Route) -> String {
        self.url.clone() + &route.path()
    }

    pub(crate) fn authorization(&self) -> Option<String> {
        self.proof.tokens.first().map(|token| format!("Bearer {token}"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn everything() -> Proof {
        Proof {
            tokens: vec!["token".to_owned()],
            certificate: Some(("client.pem".into(), "client.key.pem".into())),
            authorities: Some("ca.pem".into()),
        }
    }

    #[rstest]
    #[case(Credentials::None, false, false)]
    #[case(Credentials::Bearer, true, false)]
    #[case(Credentials::Es256, true, false)]
    #[case(Credentials::Tls, false, false)]
    #[case(Credentials::Mtls, false, true)]
    #[case(Credentials::Both, true, true)]
    #[case(Credentials::Bound, true, true)]
    fn nothing_is_shown_beyond_what_the_scenario_proves_by(
        #[case] credentials: Credentials,
        #[case] token: bool,
        #[case] certificate: bool,
    ) {
        let target = Target::new("https://127.0.0.1:1/", credentials, 1, everything()).unwrap();
        assert_eq!(target.authorization().is_some(), token);
        assert_eq!(target.proof().certificate.is_some(), certificate);
        assert_eq!(target.of(Route::Api), "https://127.0.0.1:1/api");
    }

    #[test]
    fn each_client_shows_its_own_token() {
        let proof = Proof { tokens: ["a", "b", "c"].map(str::to_owned).to_vec(), ..everything() };
        let target = |clients| Target::new("https://127.0.0.1:1", Credentials::Both, clients, proof.clone());
        let shown = |clients| {
            let clients = target(clients).unwrap().by_each(clients).into_iter();
            clients.map(|client| client.authorization().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(shown(1), ["Bearer a"]);
        assert_eq!(shown(3), ["Bearer a", "Bearer b", "Bearer c"]);
        assert_eq!(target(4).unwrap_err(), Lacking::Tokens { clients: 4, given: 3 });
    }

    #[test]
    fn clients_whom_nobody_knows_apart_are_as_many() {
        let target = Target::new("https://127.0.0.1:1", Credentials::Tls, 4, everything()).unwrap();
        let clients = target.by_each(4);
        assert!(clients.len() == 4 && clients.iter().all(|client| client.authorization().is_none()));
    }

    #[rstest]
    #[case(Credentials::Bearer, Lacking::Token)]
    #[case(Credentials::Mtls, Lacking::Certificate)]
    #[case(Credentials::Bound, Lacking::Token)]
    fn credentials_without_what_they_are_shown_by_are_refused(
        #[case] credentials: Credentials,
        #[case] lacking: Lacking,
    ) {
        let refused = Target::new("http://127.0.0.1:1", credentials, 1, Proof::default()).unwrap_err();
        assert_eq!(refused, lacking);
    }
}
