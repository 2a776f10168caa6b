//! Client certificates as other programs know them: curl and `openssl s_client` against the service, with certificates
//! and a CRL of `openssl ca`.

use std::time::Duration;

use anyhow::ensure;
use xshell::cmd;

use super::{E2e, curl};
use crate::keep_alive;
use crate::openssl::Authority;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::workspace::Workspace;
use crate::{artifact, wait};

/// What the service promises, with the time between two looks at its files as it is by default.
const REVOCATION_LIMIT: Duration = Duration::from_secs(5);

const LIVE: &str = "GET /v2/health/live HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n";
const LIVE_AND_ON: &str = "GET /v2/health/live HTTP/1.1\r\nhost: e2e\r\n\r\n";

/// `cargo xtask e2e tls`
pub(crate) const TEST: E2e = E2e {
    name: "tls",
    summary: "curl and openssl prove who they are by certificate; nothing is resumed; who is revoked is cut off within 5 s",
    needs: &["curl", "openssl"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let authority = Authority::new()?;
    authority.issue("server", "IP:127.0.0.1", "serverAuth")?;
    for name in ["ann", "bob"] {
        authority.issue(name, &format!("URI:spiffe://example.org/{name}"), "clientAuth")?;
    }
    authority.publish_crl()?;
    let (certificate, key) = (authority.file("server.pem")?, authority.file("server.key")?);
    let (ca, crl) = (authority.file("ca.pem")?, authority.file("ca.crl")?);
    let secure = ["--tls-certificate", &certificate, "--tls-key", &key];

    let service = Service::start(&binary, &secure)?;
    curl::paste(&workspace.shell()?, &service.output()?.stdout)?;
    service.stop()?;

    let by_certificate = ["--policy", "mtls", "--tls-client-ca", &ca, "--tls-crl", &crl];
    let service = Service::start(&binary, &[&secure[..], &by_certificate].concat())?;
    curl_is_answered_as_its_certificate_says(workspace, &service, &authority)?;
    openssl_is_answered_and_resumes_nothing(&service, &authority)?;
    a_revoked_one_is_cut_off(&service, &authority)?;
    service.stop()?;
    Ok(Outcome::Passed)
}

fn curl_is_answered_as_its_certificate_says(
    workspace: &Workspace,
    service: &Service,
    authority: &Authority,
) -> anyhow::Result<()> {
    let (shell, ca) = (workspace.shell()?, authority.file("ca.pem")?);
    let url = format!("https://{}/v2", service.ready().api);
    let (certificate, key) = (authority.file("ann.pem")?, authority.file("ann.key")?);
    let as_ann = ["--cert", &certificate, "--key", &key];
    for (who, expected) in [(&as_ann[..], "200"), (&[], "403")] {
        for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
            for (protocol, spoken) in [("--http1.1", "1.1"), ("--http2", "2")] {
                let got = cmd!(
                    shell,
                    "curl --silent --show-error --cacert {ca} {who...} {version...} {protocol} --output /dev/null
                     --write-out '%{http_code} %{http_version}' {url}"
                )
                .quiet()
                .read()?;
                ensure!(got == format!("{expected} {spoken}"), "{version:?} {protocol} {who:?}: {got}");
            }
        }
    }
    Ok(())
}

fn openssl_is_answered_and_resumes_nothing(service: &Service, authority: &Authority) -> anyhow::Result<()> {
    let api = service.ready().api;
    for version in ["-tls1_2", "-tls1_3"] {
        let as_bob = [version, "-cert", "bob.pem", "-key", "bob.key"];
        for who in [&as_bob[..], &as_bob[..1]] {
            let shown = authority.ask(api, who, LIVE)?;
            ensure!(
                shown.contains("HTTP/1.1 200 OK") && shown.contains("Verification: OK"),
                "{who:?}: {shown}"
            );
        }
        // A session comes with an id or a ticket. There is neither, so that openssl has nothing to keep.
        let kept = format!("{version}.session");
        let shown = authority.ask(api, &[&as_bob[..], &["-sess_out", &kept]].concat(), LIVE)?;
        ensure!(shown.contains("HTTP/1.1 200 OK"), "{shown}");
        ensure!(!authority.path(&kept).exists(), "{version}: openssl was given a session to come back with");
        // Five more connections, each with what is left of the first.
        let shown = authority.ask(api, &[&["-reconnect"], &as_bob[..]].concat(), LIVE)?;
        let (full, resumed) = (shown.matches("New, TLSv1").count(), shown.matches("Reused, TLSv1").count());
        ensure!((full, resumed) == (6, 0), "{version}: {full} full handshakes, {resumed} resumed: {shown}");
    }
    Ok(())
}

fn a_revoked_one_is_cut_off(service: &Service, authority: &Authority) -> anyhow::Result<()> {
    let api = service.ready().api;
    let as_ann = ["-tls1_3", "-ign_eof", "-cert", "ann.pem", "-key", "ann.key"];
    let mut open = authority.connect(api, &as_ann)?;
    open.send(LIVE_AND_ON)?;
    open.wait_for("HTTP/1.1 200 OK")?;
    authority.revoke("ann")?;
    authority.publish_crl()?;
    wait::until("the open connection to end", REVOCATION_LIMIT, || Ok(open.has_ended()?.then_some(())))?;

    for version in ["-tls1_2", "-tls1_3"] {
        let again = [version, "-cert", "ann.pem", "-key", "ann.key"];
        let shown = authority.ask(api, &again, LIVE)?;
        let told = shown.contains("certificate revoked") && !shown.contains("HTTP/1.1");
        ensure!(told, "a revoked certificate heard: {shown}");
    }
    let shown = authority.ask(api, &["-cert", "bob.pem", "-key", "bob.key"], LIVE)?;
    ensure!(shown.contains("HTTP/1.1 200 OK"), "another's certificate was revoked: {shown}");
    let page = keep_alive::get(service.ready().admin, "/metrics")?.body;
    let counted = r#"auth_decisions_total{method="mtls",outcome="revoked"} 3"#;
    ensure!(page.contains(counted), "no {counted}:\n{page}");
    Ok(())
}
