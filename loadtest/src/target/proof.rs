//! The keys, the certificates and the token of one run, by the service's own commands, and the settings of a service that
//! accepts them. Must never keep them longer than the run.

use std::path::Path;

use super::Proof;
use super::instance::{cargo, printed};
use super::started::StartError;
use crate::scenario::Credentials;

/// Who the other client says that it is.
const NEIGHBOUR: &str = "neighbour";

/// What a service is started with, and what is shown to it.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Whether it is the example that asks nobody who he is; what ships has no such setting.
    pub(super) is_open: bool,
    pub(super) settings: Vec<String>,
    pub(super) proof: Proof,
    /// The service's command that makes a token that it accepts.
    token: Vec<String>,
}

impl Made {
    /// In that folder, which is the run's own.
    pub(super) fn for_credentials(credentials: Credentials, folder: &Path) -> Result<Self, StartError> {
        let mut made = Self::default();
        match credentials {
            Credentials::None => made.open(),
            // Development makes its own key and prints a token.
            Credentials::Bearer => {}
            Credentials::Hs256 => made.signed("HS256", folder, &[])?,
            Credentials::Hs256Anew => made.signed_anew("HS256", folder)?,
            Credentials::Rs256 => made.signed("RS256", folder, &[])?,
            Credentials::Rs256Anew => made.signed_anew("RS256", folder)?,
            Credentials::Es256 => made.signed("ES256", folder, &[])?,
            Credentials::Es256Anew => made.signed_anew("ES256", folder)?,
            Credentials::Eddsa => made.signed("EdDSA", folder, &[])?,
            Credentials::EddsaAnew => made.signed_anew("EdDSA", folder)?,
            Credentials::Tls | Credentials::TlsAnew => {
                made.open();
                made.over_tls(folder)?;
            }
            Credentials::Mtls | Credentials::MtlsAnew => {
                made.set(&["--mode", "production", "--policy", "mtls"]);
                made.certified(folder)?;
            }
            Credentials::Both => {
                made.certified(folder)?;
                made.signed("ES256", folder, &[])?;
                made.set(&["--policy", "both"]);
            }
            Credentials::Bound => {
                made.certified(folder)?;
                made.signed("ES256", folder, &["--bound-to", &file(folder, "client.pem")])?;
                made.set(&["--policy", "bound"]);
            }
        }
        Ok(made)
    }

    /// The token of another client, where tokens are signed for the run.
    pub(super) fn neighbour(&self) -> Result<Option<String>, StartError> {
        (!self.token.is_empty()).then(|| self.token_of(NEIGHBOUR)).transpose()
    }

    /// A token for each of so many clients, where tokens are signed for the run.
    pub(super) fn sign_for(&mut self, clients: u16) -> Result<(), StartError> {
        if !self.token.is_empty() {
            let tokens = (0..clients).map(|client| self.token_of(&format!("client-{client}")));
            self.proof.tokens = tokens.collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    fn token_of(&self, whom: &str) -> Result<String, StartError> {
        let command: Vec<_> = self.token.iter().map(String::as_str).chain(["--subject", whom]).collect();
        Ok(service(&command)?.trim().to_owned())
    }

    fn set(&mut self, settings: &[&str]) {
        self.settings.extend(settings.iter().map(|&setting| setting.to_owned()));
    }

    fn open(&mut self) {
        self.is_open = true;
        self.set(&["--open"]);
    }

    /// By a token of that algorithm.
    fn signed(&mut self, algorithm: &str, folder: &Path, token: &[&str]) -> Result<(), StartError> {
        let (public, private, setting) = match algorithm {
            "HS256" => ("issuer.secret", "issuer.secret", "--jwt-secret"),
            _ => ("issuer.pub.pem", "issuer.key.pem", "--jwt-public-key"),
        };
        let into = folder.display().to_string();
        service(&["keys", "signing", &into, "--algorithm", algorithm, "--name", "issuer"])?;
        let key = ["token", "--algorithm", algorithm, "--key", &file(folder, private)];
        self.token = [&key, token].concat().into_iter().map(str::to_owned).collect();
        self.set(&["--mode", "production", setting, &file(folder, public)]);
        Ok(())
    }

    /// The same, where no token is remembered.
    fn signed_anew(&mut self, algorithm: &str, folder: &Path) -> Result<(), StartError> {
        self.set(&["--token-cache-age", "0s"]);
        self.signed(algorithm, folder, &[])
    }

    /// On connections that are encrypted.
    fn over_tls(&mut self, folder: &Path) -> Result<(), StartError> {
        service(&["keys", "ca", &folder.display().to_string()])?;
        self.proof.authorities = Some(folder.join("ca.pem"));
        let (certificate, key) = (file(folder, "server.pem"), file(folder, "server.key.pem"));
        self.set(&["--tls-certificate", &certificate, "--tls-key", &key]);
        Ok(())
    }

    /// On connections of which each shows a client certificate.
    fn certified(&mut self, folder: &Path) -> Result<(), StartError> {
        self.over_tls(folder)?;
        self.proof.certificate = Some((folder.join("client.pem"), folder.join("client.key.pem")));
        self.set(&["--tls-client-ca", &file(folder, "ca.pem"), "--tls-crl", &file(folder, "crl.pem")]);
        Ok(())
    }
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// What a command of the service prints.
fn service(arguments: &[&str]) -> Result<String, StartError> {
    printed(cargo("run", &[]).arg("--").args(arguments))
}
