//! Client certificates that nobody should be let in with, and tokens without theirs. The client is `openssl s_client`.

use std::net::SocketAddr;

use anyhow::Context as _;

use super::watch::{self, Heard, Row, Watch};
use crate::development::Development;
use crate::keep_alive::{self, Answer};
use crate::openssl::{Authority, Client};
use crate::service::Service;
use crate::wait;

/// `spiffe://puntual.test/NAME`
const SPIFFE: &str = "URI:spiffe://puntual.test/client";

/// Certificates of other authorities are in folders of their own.
struct Pki {
    ours: Authority,
    /// A stranger's.
    theirs: Authority,
    /// A stranger's that calls itself as ours does.
    posing: Authority,
    token: Option<String>,
    body: String,
}

pub(super) fn try_all(development: &Development) -> anyhow::Result<Vec<Row>> {
    let pki = Pki::make(development)?;
    Ok([pki.alone(development)?, pki.with_tokens(development)?].concat())
}

impl Pki {
    fn make(development: &Development) -> anyhow::Result<Self> {
        let (ours, theirs, posing) =
            (Authority::new("ours")?, Authority::new("theirs")?, Authority::new("ours")?);
        ours.issue("server", "IP:127.0.0.1", "serverAuth")?;
        for name in ["client", "other", "revoked", "open"] {
            ours.issue(name, SPIFFE, "clientAuth")?;
        }
        let long_ago = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
        ours.issue_with("expired", SPIFFE, "clientAuth", &long_ago)?;
        let far_away = ["-startdate", "20480101000000Z", "-enddate", "20480102000000Z"];
        ours.issue_with("early", SPIFFE, "clientAuth", &far_away)?;
        ours.issue("usage", SPIFFE, "serverAuth")?;
        ours.issue("nameless", "DNS:client.puntual.test", "clientAuth")?;
        ours.self_signed("self", SPIFFE)?;
        for stranger in [&theirs, &posing] {
            stranger.issue("client", SPIFFE, "clientAuth")?;
        }
        ours.revoke("revoked")?;
        ours.publish_crl()?;
        Ok(Self { ours, theirs, posing, token: None, body: development.body.clone() })
    }

    fn start(&self, development: &Development, options: &[&str]) -> anyhow::Result<Service> {
        let (certificate, key) = (self.ours.file("server.pem")?, self.ours.file("server.key")?);
        let (ca, crl) = (self.ours.file("ca.pem")?, self.ours.file("ca.crl")?);
        let tls =
            ["--tls-certificate", &certificate, "--tls-key", &key, "--tls-client-ca", &ca, "--tls-crl", &crl];
        development.start(&[&tls, options].concat())
    }

    fn alone(&self, development: &Development) -> anyhow::Result<Vec<Row>> {
        let service = self.start(development, &["--mode", "production", "--policy", "mtls"])?;
        let mut watch = Watch::of(&service);
        watch.control("a client certificate of the CA", |_| self.show(&service, Some("client")))?;
        let mut attack = |attack, sent, who| watch.attack(attack, sent, |_| self.show(&service, who));
        attack("no certificate", "a handshake without one", None)?;
        attack("an expired certificate", "`notAfter` in 2020", Some("expired"))?;
        attack("a certificate of tomorrow", "`notBefore` in 2048", Some("early"))?;
        attack("a certificate that its owner signed", "self-signed, the right name", Some("self"))?;
        attack("a server's certificate", "`serverAuth` and not `clientAuth`", Some("usage"))?;
        attack("a certificate without a name", "no SPIFFE URI in its SAN", Some("nameless"))?;
        attack("a revoked certificate", "one that is on the CRL", Some("revoked"))?;
        let by_stranger = "the right name, signed by a stranger";
        watch.attack("a certificate of another CA", by_stranger, |_| self.ask_as(&service, &self.theirs))?;
        watch.attack("a certificate of another CA of the same name", by_stranger, |_| {
            self.ask_as(&service, &self.posing)
        })?;
        let open = self.open(&service)?;
        watch.attack(
            "revoked while its connection is open",
            "a CRL with it, put in the place of the last",
            |_| self.cut_off(open),
        )?;
        Ok(watch.rows())
    }

    /// A connection on which one request was answered.
    fn open(&self, service: &Service) -> anyhow::Result<Client> {
        let options = ["-ign_eof", "-cert", "open.pem", "-key", "open.key"];
        let mut open = self.ours.connect(service.ready().api, &options)?;
        open.send(&self.request(service.ready().api, "keep-alive")?)?;
        open.wait_for("HTTP/1.1 200 OK")?;
        Ok(open)
    }

    fn cut_off(&self, mut open: Client) -> anyhow::Result<Heard> {
        self.ours.revoke("open")?;
        self.ours.publish_crl()?;
        wait::until("the open connection to end", watch::LIMIT, || Ok(open.has_ended()?.then_some(())))?;
        Ok(Heard::closed())
    }

    /// Posts with the certificate that another authority made.
    fn ask_as(&self, service: &Service, stranger: &Authority) -> anyhow::Result<Heard> {
        let (certificate, key) = (stranger.file("client.pem")?, stranger.file("client.key")?);
        self.ask(service, &["-cert".to_owned(), certificate, "-key".to_owned(), key])
    }

    fn with_tokens(self, development: &Development) -> anyhow::Result<Vec<Row>> {
        let public = development.file("issuer.pub.pem")?;
        let options = ["--mode", "production", "--policy", "bound", "--jwt-public-key", &public];
        let service = self.start(development, &options)?;
        let certificate = self.ours.file("client.pem")?;
        let bound = development.token("issuer.key.pem", &["--bound-to", &certificate])?;
        let free = development.token("issuer.key.pem", &[])?;
        let mut watch = Watch::of(&service);
        let with_bound = Self { token: Some(bound), ..self };
        watch.control("a bound token with its certificate", |_| with_bound.show(&service, Some("client")))?;
        watch.attack("a stolen token", "a bound token without a certificate", |_| {
            with_bound.show(&service, None)
        })?;
        watch.attack(
            "a stolen token, by another client",
            "a bound token with another certificate",
            |_| with_bound.show(&service, Some("other")),
        )?;
        let with_free = Self { token: Some(free), ..with_bound };
        watch.attack("a token that is bound to nothing", "a right token and a right certificate", |_| {
            with_free.show(&service, Some("client"))
        })?;
        Ok(watch.rows())
    }

    /// Posts with this certificate of ours.
    fn show(&self, service: &Service, name: Option<&str>) -> anyhow::Result<Heard> {
        let options = name.map(|name| {
            ["-cert".to_owned(), format!("{name}.pem"), "-key".to_owned(), format!("{name}.key")]
        });
        self.ask(service, options.as_ref().map_or(&[], |options| options.as_slice()))
    }

    fn ask(&self, service: &Service, options: &[String]) -> anyhow::Result<Heard> {
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        heard(&self.ours.ask(service.ready().api, &options, &self.request(service.ready().api, "close")?)?)
    }

    fn request(&self, api: SocketAddr, connection: &str) -> anyhow::Result<String> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let fields = bearer.as_deref().map(|bearer| ("authorization", bearer));
        let fields: Vec<_> = fields.into_iter().chain([("connection", connection)]).collect();
        Ok(String::from_utf8(keep_alive::post_without_token(api, "/api", &fields, &self.body))?)
    }
}

/// The answer, or the alert, in what `openssl s_client` shows.
fn heard(shown: &str) -> anyhow::Result<Heard> {
    if let Some((_, answer)) = shown.split_once("HTTP/1.1 ") {
        return Heard::of(&Answer::within(&format!("HTTP/1.1 {answer}"))?);
    }
    let alert = shown.split_once(" alert ").and_then(|(_, rest)| rest.split_once(':'));
    let (alert, _) = alert.with_context(|| format!("neither an answer nor an alert: {shown}"))?;
    Ok(Heard::refused(alert))
}
