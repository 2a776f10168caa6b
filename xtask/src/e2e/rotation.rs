//! Everything that a service is given in files is replaced under traffic: the server's certificate, the keys of tokens,
//! the list of revoked certificates, the model. Nobody notices who should not.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::E2e;
use super::reload::{self, Files};
use super::traffic::Traffic;
use crate::development::Development;
use crate::metrics_page;
use crate::openssl::Authority;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::tls_client::TlsClient;
use crate::workspace::Workspace;
use crate::{artifact, golden, process, wait};

/// `cargo xtask e2e rotation`
pub(crate) const TEST: E2e = E2e {
    name: "rotation",
    summary: "server certificate, JWK Set, CRL and model are replaced under 2,000 requests a second; none fails",
    needs: &["openssl"],
    run,
};

const REQUESTS_A_SECOND: u32 = 2_000;
const CLIENTS: u32 = 8;

/// The share of what was to be sent that has to be answered, or the traffic was not what it says.
const KEPT_UP: f64 = 0.95;

/// Times that everything is replaced.
const ROUNDS: u32 = 3;

/// Files are read within milliseconds; a busy machine gets the rest.
const LIMIT: Duration = Duration::from_secs(20);

const APPLIED: &str = r#"tls_reloads_total{outcome="applied"}"#;
const CHANGED: &str = r#"auth_jwks_refreshes_total{outcome="changed"}"#;

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let (development, authority) = (Development::build(workspace)?, Authority::new("authority")?);
    let model = Files::copy(workspace)?;
    authority.issue("server", "IP:127.0.0.1", "serverAuth")?;
    authority.issue("client", "URI:spiffe://puntual.test/client", "clientAuth")?;
    authority.publish_crl()?;
    development.make_key("ES256", "key-0")?;
    let jwks = development.write("jwks.json", &development.jwks(&["key-0"])?)?;

    let file = |name| authority.file(name);
    let (certificate, key, ca, crl) =
        (file("server.pem")?, file("server.key")?, file("ca.pem")?, file("ca.crl")?);
    let service = Service::start(
        &binary,
        &[
            ["--mode", "production"],
            ["--policy", "both"],
            ["--tls-certificate", &certificate],
            ["--tls-key", &key],
            ["--tls-client-ca", &ca],
            ["--tls-crl", &crl],
            ["--tls-poll", "100ms"],
            ["--jwks", &jwks],
            ["--keys-poll", "100ms"],
            ["--model", process::text(model.path())?],
            ["--model-poll", "100ms"],
        ]
        .concat(),
    )?;
    let client = TlsClient::new(
        &authority.path("ca.pem"),
        Some((&authority.path("client.pem"), &authority.path("client.key"))),
    )?;
    let token = development.token("key-0.key.pem", &[])?;
    let traffic = Traffic::new(&service, &golden, token).over_tls(client).at_rate(CLIENTS, REQUESTS_A_SECOND);
    let begun = Instant::now();
    traffic.during(|| {
        for round in 1..=ROUNDS {
            server_certificate(&service, &authority, round)?;
            traffic.goes_on()?;
            keys(&service, &development, &traffic, round)?;
            traffic.goes_on()?;
            revocation(&service, &authority, round)?;
            traffic.goes_on()?;
            let before = reload::served(service.ready())?;
            model.write_another_model(&format!("of round {round}"))?;
            reload::swapped(service.ready(), &before)?;
            traffic.goes_on()?;
        }
        Ok(())
    })?;
    let (answered, offered) =
        (f64::from(traffic.answered()), f64::from(REQUESTS_A_SECOND) * begun.elapsed().as_secs_f64());
    eprintln!("    {answered} requests in {:.1} s, none failed", begun.elapsed().as_secs_f64());
    ensure!(
        answered >= KEPT_UP * offered,
        "{answered} of {offered:.0} were answered: there was less traffic than said"
    );
    service.stop()?;
    Ok(Outcome::Passed)
}

/// Another certificate with another key, in the place of the last.
fn server_certificate(service: &Service, authority: &Authority, round: u32) -> anyhow::Result<()> {
    let name = format!("server-{round}");
    authority.issue(&name, "IP:127.0.0.1", "serverAuth")?;
    moves(service, APPLIED, || {
        // Between the two the files do not fit together: what was there goes on.
        std::fs::rename(authority.path(&format!("{name}.key")), authority.path("server.key"))?;
        Ok(std::fs::rename(authority.path(&format!("{name}.pem")), authority.path("server.pem"))?)
    })
}

/// The next key is published beside the last, signs, and is alone at the end.
fn keys(
    service: &Service,
    development: &Development,
    traffic: &Traffic<'_>,
    round: u32,
) -> anyhow::Result<()> {
    let (last, next) = (format!("key-{}", round - 1), format!("key-{round}"));
    development.make_key("ES256", &next)?;
    publish(service, development, &[&next, &last])?;
    traffic.bears(&development.token(&format!("{next}.key.pem"), &[])?);
    traffic.goes_on()?;
    publish(service, development, &[&next])
}

fn publish(service: &Service, development: &Development, keys: &[&str]) -> anyhow::Result<()> {
    let next = development.write("next.json", &development.jwks(keys)?)?;
    moves(service, CHANGED, || Ok(std::fs::rename(next, Path::new(&development.file("jwks.json")?))?))
}

/// Somebody else is revoked, and is refused from then on.
fn revocation(service: &Service, authority: &Authority, round: u32) -> anyhow::Result<()> {
    let name = format!("revoked-{round}");
    authority.issue(&name, "URI:spiffe://puntual.test/revoked", "clientAuth")?;
    authority.revoke(&name)?;
    moves(service, APPLIED, || authority.publish_crl())?;
    let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
    let shown = authority.ask(service.ready().api, &["-cert", &certificate, "-key", &key], "")?;
    ensure!(shown.contains("certificate revoked"), "a revoked certificate heard: {shown}");
    Ok(())
}

/// Waits until this counter has moved by the `change`.
fn moves(service: &Service, series: &str, change: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let admin = service.ready().admin;
    let before = metrics_page::value(admin, series)?;
    change()?;
    wait::until(series, LIMIT, || Ok((metrics_page::value(admin, series)? > before).then_some(())))
}
