//! Values that make no sense: each is refused, with a sentence that says what would be right.

use std::time::Instant;

use anyhow::ensure;
use xshell::cmd;

use super::{CHART, VALUES};
use crate::e2e::shown::Line;
use crate::workspace::Workspace;

/// With these files, from a secret of Kubernetes.
macro_rules! files {
    ($files:literal) => {
        concat!("secrets.aws=null,secrets.kubernetes.name=x,secrets.kubernetes.files={", $files, "}")
    };
}

/// What is set beyond the test's values, and what the refusal says.
const REFUSED: &[(&str, &str)] = &[
    ("image=", "image: nothing to run; give REPOSITORY@sha256:DIGEST"),
    ("image=registry.example/inference:latest", "at '/image'"),
    (
        "canary.image=registry.example/inference@sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "canary.image: it is the image that runs already",
    ),
    ("imgae=x", "additional properties 'imgae' not allowed"),
    (files!("tls-certificate,tls-client-ca"), "give both tls-certificate and tls-key"),
    (files!("quota-classes"), "plaintext: give the files"),
    ("plaintext=true", "plaintext: give the files"),
    (files!("tls-certificate,tls-key,tls-client-crl"), "tls-client-crl revokes certificates of an authority"),
    (
        files!("tls-certificate,tls-key"),
        "identity.policy: either asks for client certificates; give the file tls-client-ca",
    ),
    ("secrets.kubernetes.name=x", "files come from AWS or from a secret of Kubernetes, and both are given"),
    ("secrets.aws=null,secrets.kubernetes.files={tls-key}", "give secrets.kubernetes.name"),
    ("identity.jwks=", "give identity.jwks and identity.issuer"),
    ("identity.jwks=http://id.example.com/jwks", "at '/identity/jwks'"),
    ("trustedProxies=null", "targetGroupArn: a load balancer has a target group and networks"),
    ("autoscaling.maximum=2", "autoscaling.maximum: 2 is below the minimum of 3"),
    ("autoscaling.activeRequests=-1", "at '/autoscaling/activeRequests'"),
    ("autoscaling.activeRequests=100000", "autoscaling.activeRequests: a pod works on no more than inFlight"),
    ("drain.graceSeconds=14", "drain.graceSeconds: the load balancer sends new connections for up to 15 s"),
    ("prober.target=", "prober: it needs a door and a token for it"),
    (
        "load.image=registry.example/loadtest@sha256:3333333333333333333333333333333333333333333333333333333333333333",
        "load: pods that send it need a door, what to send, when to begin and a token",
    ),
    ("load.beginAt=tomorrow", "at '/load/beginAt'"),
    ("resources.requests.cpu=500m", "at '/resources/requests/cpu'"),
];

pub(super) fn are_sentences(workspace: &Workspace) -> anyhow::Result<Line> {
    let (begun, shell) = (Instant::now(), workspace.shell()?);
    for (set, says) in REFUSED {
        let output = cmd!(shell, "helm template inference {CHART} --values {VALUES} --set {set}")
            .quiet()
            .ignore_status()
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "the chart takes {set}");
        ensure!(told.contains(says), "of {set} the chart says {told}\nand not: {says}");
    }
    let shown = format!("{} refused, each with its sentence", REFUSED.len());
    Ok(Line::new("values that make no sense", shown, begun))
}
