//! `inference keys`: what there is to make, and what is said about it. Each kind is made in its own module.

use std::path::{Path, PathBuf};

use super::certificates::{Authority, Revocation};
use super::jwks::Jwks;
use super::new_files::{self, For, NewFile};
use super::signing_key::KeyFiles;
use super::{DevError, DevKey, Where};
use crate::identity::SigningAlgorithm;

const EXAMPLES: &str = "\
One paste for each proof of who is calling; first the keys, the service's settings and a body:
  inference keys signing dev && inference keys ca dev
  JWT=(--mode production --jwt-public-key dev/es256.pub.pem)
  TLS=(--tls-certificate dev/server.pem --tls-key dev/server.key.pem
       --tls-client-ca dev/ca.pem --tls-crl dev/crl.pem)
  ROW=$(inference row --airline 'Sky Airline' --type I --month 7)
  ask() { curl --retry 9 --retry-connrefused --silent --json \"$ROW\" \"$@\"; echo; kill $!; wait $!; }

a token:
  inference \"${JWT[@]}\" & ask http://127.0.0.1:8080/api \\
    --oauth2-bearer $(inference token --key dev/es256.key.pem)
a client certificate:
  inference \"${JWT[@]}\" \"${TLS[@]}\" --policy mtls & ask https://127.0.0.1:8080/api \\
    --cacert dev/ca.pem --cert dev/client.pem --key dev/client.key.pem
either of them, here the certificate:
  inference \"${JWT[@]}\" \"${TLS[@]}\" --policy either & ask https://127.0.0.1:8080/api \\
    --cacert dev/ca.pem --cert dev/client.pem --key dev/client.key.pem
both:
  inference \"${JWT[@]}\" \"${TLS[@]}\" --policy both & ask https://127.0.0.1:8080/api \\
    --cacert dev/ca.pem --cert dev/client.pem --key dev/client.key.pem \\
    --oauth2-bearer $(inference token --key dev/es256.key.pem)
a token that is worth nothing without its certificate:
  inference \"${JWT[@]}\" \"${TLS[@]}\" --policy bound & ask https://127.0.0.1:8080/api \\
    --cacert dev/ca.pem --cert dev/client.pem --key dev/client.key.pem \\
    --oauth2-bearer $(inference token --key dev/es256.key.pem --bound-to dev/client.pem)";

/// What to make.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Keys {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a key that tokens are signed with, and what a service checks them with
    Signing(Signing),
    /// Print public keys as a JWK Set
    Jwks(Jwks),
    /// Make an authority to throw away, with certificates of a server and of clients and an empty list of revoked ones
    Ca(Authority),
    /// Revoke certificates: put them on the list that `ca` made, and sign it anew
    Revoke(Revocation),
}

/// A key to make.
#[derive(Debug, clap::Args)]
struct Signing {
    /// Where to write NAME.key.pem and NAME.pub.pem, or for HS256 NAME.secret
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to sign with
    #[arg(long, value_enum, ignore_case = true, default_value = "ES256")]
    algorithm: SigningAlgorithm,
    /// What the key is called; without it, its algorithm in lower case
    #[arg(long)]
    name: Option<String>,
}

impl Keys {
    pub(super) fn run(&self) -> Result<String, DevError> {
        self.at.check()?;
        match &self.what {
            What::Signing(signing) => signing.run(),
            What::Jwks(jwks) => jwks.run(),
            What::Ca(authority) => authority.run(),
            What::Revoke(revocation) => revocation.run(),
        }
    }
}

impl Signing {
    fn run(&self) -> Result<String, DevError> {
        let name = self.name.clone().unwrap_or_else(|| format!("{:?}", self.algorithm).to_lowercase());
        let key = DevKey::generate_for(self.algorithm)?;
        let file = |end: &str, readers, text: &str| NewFile {
            name: format!("{name}.{end}"),
            readers,
            text: text.to_owned(),
        };
        let files = match key.files() {
            KeyFiles::Pair { private, public } => {
                vec![file("key.pem", For::Owner, private), file("pub.pem", For::Everybody, public)]
            }
            KeyFiles::Secret(secret) => vec![file("secret", For::Owner, secret)],
        };
        Ok(wrote(&new_files::write(&self.folder, &files)?))
    }
}

/// The paths, one a line.
pub(super) fn wrote(paths: &[impl AsRef<Path>]) -> String {
    paths.iter().map(|path| path.as_ref().display().to_string()).collect::<Vec<_>>().join("\n")
}
