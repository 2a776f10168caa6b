//! A certified OpenID provider gives the tokens and publishes the keys; it changes them under traffic, goes away and
//! comes back.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::E2e;
use super::oidc_provider::Place;
use super::traffic::Traffic;
use crate::golden::{self, Golden};
use crate::keep_alive::{self, KeepAlive};
use crate::outcome::Outcome;
use crate::service::{Ready, Service};
use crate::workspace::Workspace;
use crate::{artifact, metrics_page, process, wait};

/// `cargo xtask e2e identity_provider`
pub(crate) const TEST: E2e = E2e {
    name: "identity_provider",
    summary: "keys of a real OpenID provider rotate under traffic without a failure; a removed one stops in time; \
              the provider may be away",
    needs: &["oidc-provider"],
    run,
};

/// `--jwks-refresh`
const REFRESH: Duration = Duration::from_millis(500);

/// `--jwks-timeout`
const FETCH: Duration = Duration::from_secs(5);

/// Longer than what is waited for takes; reached only when it does not happen.
const LIMIT: Duration = Duration::from_secs(20);

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let place = Place::find(workspace)?;
    let admin = process::free_address()?;
    let (issuer, jwks, at) = (place.issuer(), place.jwks(), admin.to_string());
    let (refresh, fetch) = (format!("{}ms", REFRESH.as_millis()), format!("{}s", FETCH.as_secs()));
    let options = [
        ["--mode", "production"],
        ["--admin-listen", &at],
        ["--jwks", &jwks],
        ["--jwt-issuer", &issuer],
        ["--jwks-refresh", &refresh],
        ["--jwks-timeout", &fetch],
        // Short, so that a test that rotates keys twice in a second is not slowed down by it.
        ["--jwks-cooldown", "100ms"],
    ]
    .concat();

    // The service is there first: it lives, says that it is not ready, and is when the provider has come.
    let (service, mut provider) = thread::scope(|scope| {
        let service = scope.spawn(|| Service::start(&binary, &options));
        wait::until("the service to live", LIMIT, || {
            Ok(keep_alive::get(admin, "/livez").ok().filter(|answer| answer.status == 200))
        })?;
        counted(admin, "failed", 1.0)?;
        let readiness = keep_alive::get(admin, "/readyz")?;
        ensure!(readiness.status == 503 && readiness.body.contains("not fetched yet"), "{readiness:?}");
        let provider = place.start(&["first"])?;
        let service = service.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        anyhow::Ok((service, provider))
    })?;
    ensure!(keep_alive::get(admin, "/readyz")?.status == 200, "ready, and /readyz says otherwise");

    let first = provider.token()?;
    let traffic = Traffic::new(&service, &golden, first.clone());
    traffic.during(|| {
        traffic.goes_on()?;
        // Looking at keys that stay the same empties no memory: every request but the first finds its token there.
        let known = metrics_page::value(admin, "auth_jwks_refreshes_total{outcome=\"unchanged\"}")?;
        counted(admin, "unchanged", known + 3.0)?;
        let misses = metrics_page::value(admin, "auth_token_cache_lookups_total{result=\"miss\"}")?;
        ensure!(misses <= 1.0, "{misses} signatures checked for one token");

        // The worst of rotations: the new key signs in the moment in which it is published.
        provider.publish(&["second", "first"])?;
        let second = provider.token()?;
        traffic.bears(&second);
        traffic.goes_on()?;
        traffic.bears(&first);
        traffic.goes_on()?;
        traffic.bears(&second);
        traffic.goes_on()?;
        ensure!(metrics_page::value(admin, "auth_jwks_keys")? == 2.0, "two keys are published");

        // A key that is taken out stops within the stated bound, though its token is remembered.
        ensure!(
            ask(&service, &golden, &first)? == 200,
            "the first key is valid for as long as it is published"
        );
        provider.publish(&["second"])?;
        wait::until("the removed key to stop", REFRESH + FETCH, || {
            Ok((ask(&service, &golden, &first)? == 401).then_some(()))
        })?;
        traffic.goes_on()?;

        // Without the provider the keys go on, for tokens that are remembered and for others.
        let unused = provider.token()?;
        drop(provider);
        let failed = metrics_page::value(admin, "auth_jwks_refreshes_total{outcome=\"failed\"}")?;
        counted(admin, "failed", failed + 2.0)?;
        traffic.goes_on()?;
        ensure!(ask(&service, &golden, &unused)? == 200, "a new token, with a key that is known");
        let seen = metrics_page::value(admin, "auth_jwks_last_refresh_timestamp_seconds")?;

        let provider = place.start(&["third", "second"])?;
        wait::until("the keys to be seen again", LIMIT, || {
            let now = metrics_page::value(admin, "auth_jwks_last_refresh_timestamp_seconds")?;
            Ok((now > seen).then_some(()))
        })?;
        traffic.bears(&provider.token()?);
        traffic.goes_on()
    })?;
    let refused = metrics_page::value(admin, "auth_decisions_total{method=\"jwt\",outcome=\"unknown_key\"}")?;
    ensure!(refused >= 1.0, "the token of the removed key is counted as refused");
    let log = service.stop()?.stderr;
    ensure!(log.contains("cannot be fetched"), "no log line about the provider that was away:\n{log}");
    Ok(Outcome::Passed)
}

/// The status of one request with this token.
fn ask(service: &Service, golden: &[Golden], token: &str) -> anyhow::Result<u16> {
    let row = golden.first().context("no golden answers")?;
    let bearer = Ready { token: token.to_owned(), ..service.ready().clone() };
    Ok(KeepAlive::open(bearer.api)?.send(&keep_alive::post(&bearer, "/api", &[], &row.body))?.status)
}

/// Waits until so many looks at the keys came to this.
fn counted(admin: SocketAddr, outcome: &str, at_least: f64) -> anyhow::Result<()> {
    let series = format!("auth_jwks_refreshes_total{{outcome=\"{outcome}\"}}");
    wait::until(&series, LIMIT, || Ok((metrics_page::value(admin, &series)? >= at_least).then_some(())))
}
