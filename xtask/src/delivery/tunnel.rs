//! The way to an environment's private Kubernetes API (ADR 17): one port forwarded by Session Manager, and through it the
//! environment's Prometheus.
//!
//! Both end with their owner. Must never listen anywhere but on loopback.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::process;
use crate::stack::Part;
use crate::workspace::Workspace;

/// As platform/values/kube-prometheus-stack.yaml lets a deploy ask it.
const PROMETHEUS: &str =
    "/api/v1/namespaces/observability/services/kube-prometheus-stack-prometheus:9090/proxy";

/// The open way.
#[derive(Debug)]
pub(super) struct Tunnel {
    _parts: [Part; 2],
    folder: TempDir,
    prometheus: SocketAddr,
}

/// What AWS says of a cluster.
#[derive(Debug, Deserialize)]
struct Cluster {
    endpoint: String,
    authority: String,
}

impl Tunnel {
    pub(super) fn open(workspace: &Workspace, environment: &str, region: &str) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let name = format!("puntual-{environment}");
        let cluster = cluster(&shell, &name, region)?;
        let instance = instance(&shell, &name, region)?;
        let folder = tempfile::tempdir()?;

        let api = process::free_address()?;
        let mut session = command(&shell, "aws");
        session.args(["ssm", "start-session", "--region", region, "--target", &instance]);
        session.args(["--document-name", "AWS-StartPortForwardingSessionToRemoteHost", "--parameters"]);
        session.arg(format!("host={},portNumber=443,localPortNumber={}", cluster.host(), api.port()));
        let mut session = Part::start("tunnel", session, folder.path())?;
        session.ready(|_| Ok(TcpStream::connect(api).is_ok()))?;

        let file = folder.path().join(KUBECONFIG);
        std::fs::write(&file, cluster.kubeconfig(&name, region, api).to_string())?;
        let prometheus = process::free_address()?;
        let mut proxy = command(&shell, "kubectl");
        proxy.args(["proxy", &format!("--port={}", prometheus.port()), "--kubeconfig"]).arg(&file);
        // Nothing else of the API is to be had without the deploy's own credentials.
        proxy.arg(format!("--accept-paths=^{PROMETHEUS}/"));
        let mut proxy = Part::start("prometheus-proxy", proxy, folder.path())?;
        proxy.ready(|_| Ok(TcpStream::connect(prometheus).is_ok()))?;
        Ok(Self { _parts: [proxy, session], folder, prometheus })
    }

    /// For Helm.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }

    /// For the gate.
    pub(super) fn prometheus(&self) -> String {
        format!("http://{}{PROMETHEUS}", self.prometheus)
    }
}

const KUBECONFIG: &str = "kubeconfig.json";

/// A program as the shell would find it, to be run beside.
fn command(shell: &Shell, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", shell.var_os("PATH").unwrap_or_default());
    command
}

fn cluster(shell: &Shell, name: &str, region: &str) -> anyhow::Result<Cluster> {
    let query = "cluster.{endpoint: endpoint, authority: certificateAuthority.data}";
    let told =
        cmd!(shell, "aws eks describe-cluster --region {region} --name {name} --query {query} --output json")
            .quiet()
            .read()
            .with_context(|| format!("there is no cluster {name}"))?;
    serde_json::from_str(&told).with_context(|| format!("AWS says of the cluster {name}: {told}"))
}

/// The instance that ports are forwarded through.
fn instance(shell: &Shell, name: &str, region: &str) -> anyhow::Result<String> {
    let filters =
        [format!("Name=tag:Name,Values={name}-tunnel"), "Name=instance-state-name,Values=running".to_owned()];
    let query = "Reservations[].Instances[].InstanceId | [0]";
    let told = cmd!(
        shell,
        "aws ec2 describe-instances --region {region} --filters {filters...} --query {query} --output text"
    )
    .quiet()
    .read()?;
    let instance = told.trim();
    ensure!(
        instance.starts_with("i-"),
        "{name}-tunnel does not run now; once a week it is replaced, which takes minutes"
    );
    Ok(instance.to_owned())
}

impl Cluster {
    fn host(&self) -> &str {
        self.endpoint.trim_start_matches("https://")
    }

    /// As kubectl and Helm read it: the certificate is the endpoint's, whatever the port that leads there.
    fn kubeconfig(&self, name: &str, region: &str, api: SocketAddr) -> Value {
        let token = ["eks", "get-token", "--cluster-name", name, "--region", region];
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
            "clusters": [{ "name": name, "cluster": {
                "server": format!("https://{api}"),
                "tls-server-name": self.host(),
                "certificate-authority-data": self.authority,
            }}],
            "users": [{ "name": name, "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "aws",
                "args": token,
                "interactiveMode": "Never",
            }}}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Checkout;
    use super::*;

    /// An AWS that knows one cluster and one tunnel, and forwards ports as Session Manager does; a kubectl that listens.
    fn checkout(instance: &str) -> Checkout {
        let listen = r#"exec python3 -c 'import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True: listener.accept()' "#;
        let checkout = Checkout::default();
        checkout.program(
            "aws",
            &format!(
                r#"case "$*" in
                *describe-cluster*) echo '{{"endpoint":"https://abc.eks.amazonaws.com","authority":"Q0E="}}';;
                *describe-instances*) echo {instance};;
                *start-session*) {listen} "${{*##*localPortNumber=}}";;
                esac"#
            ),
        );
        checkout.program("kubectl", &format!(r#"port=${{2#--port=}}; {listen} "$port""#));
        checkout
    }

    #[test]
    fn a_tunnel_leads_to_the_endpoint_and_to_prometheus_and_ends_with_its_owner() {
        let checkout = checkout("i-0123");
        let tunnel = Tunnel::open(&checkout.workspace(), "staging", "us-east-1").unwrap();

        let kubeconfig: Value = serde_json::from_slice(&std::fs::read(tunnel.kubeconfig()).unwrap()).unwrap();
        let cluster = &kubeconfig["clusters"][0]["cluster"];
        assert_eq!(cluster["tls-server-name"], "abc.eks.amazonaws.com");
        let server = cluster["server"].as_str().unwrap().trim_start_matches("https://").to_owned();
        assert!(TcpStream::connect(&server).is_ok(), "nothing listens where kubectl is sent");
        let address = tunnel.prometheus;
        assert!(
            tunnel.prometheus().starts_with(&format!("http://{address}/api/v1/namespaces/observability/"))
        );
        let calls = checkout.called().join("\n");
        assert!(
            calls.contains("--target i-0123 --document-name AWS-StartPortForwardingSessionToRemoteHost"),
            "{calls}"
        );
        assert!(calls.contains("host=abc.eks.amazonaws.com,portNumber=443"), "{calls}");

        drop(tunnel);
        assert!(TcpStream::connect(&server).is_err() && TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_tunnel_that_is_being_replaced_is_told() {
        let checkout = checkout("None");
        let error = Tunnel::open(&checkout.workspace(), "staging", "us-east-1").unwrap_err().to_string();
        assert!(error.starts_with("puntual-staging-tunnel does not run now"), "{error}");
    }
}
