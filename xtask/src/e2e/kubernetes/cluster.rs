//! A Kubernetes on loopback: etcd, its API server, controllers and scheduler are the real ones; nodes and what runs on them
//! are played by kwok.
//!
//! It ends with its owner. Must never be reached from anywhere else, and never run a container.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use xshell::cmd;

use crate::process::{free_address, text};
use crate::stack::Part;
use crate::workspace::Workspace;

/// What the API server is told of its tokens: the token, whose it is, a number, and his groups.
const TOKENS: &str = "\
admin,admin,1,system:masters
deploy,deploy,2,puntual:deploy
controllers,system:kube-controller-manager,3
scheduler,system:kube-scheduler,4
";

/// What stands for nodes, and the kinds whose own schemas can't be had.
pub(super) const FOLDER: &str = "infra/tests/kubernetes";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// May do everything, as terraform/platform.
    Admin,
    /// What the role of a deploy may do.
    Deploy,
}

/// The running cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    workspace: Workspace,
    /// In the order in which they have to end.
    _parts: Vec<Part>,
    folder: TempDir,
}

impl Cluster {
    /// Starts all of it, with three nodes that are ready.
    pub(super) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (etcd, etcd_address) = etcd(workspace, folder.path())?;
        let server = free_address()?;
        for user in ["admin", "deploy", "controllers", "scheduler"] {
            fs::write(folder.path().join(user), kubeconfig(server, folder.path(), user))?;
        }
        let mut cluster = Self { workspace: workspace.clone(), _parts: Vec::new(), folder };
        let server = cluster.api_server(etcd_address, server)?;
        let others = [cluster.controllers()?, cluster.scheduler()?, cluster.nodes()?];
        cluster._parts = others.into_iter().chain([server, etcd]).collect();
        cluster.kubectl(As::Admin, &["apply", "--filename", "infra/tests/kubernetes/nodes.yaml"], "")?;
        cluster.kubectl(
            As::Admin,
            &["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"],
            "",
        )?;
        Ok(cluster)
    }

    /// Asks the API server; `input` is kubectl's standard input.
    ///
    /// # Errors
    /// When it refuses, with all that kubectl says.
    pub(super) fn kubectl(&self, user: As, args: &[&str], input: &str) -> anyhow::Result<String> {
        self.run("kubectl", user, args, input)
    }

    /// Objects of the service's namespace.
    pub(super) fn objects(&self, kinds: &str) -> anyhow::Result<Vec<Value>> {
        let told = self.kubectl(As::Admin, &["get", kinds, "--namespace=inference", "--output=json"], "")?;
        items(serde_json::from_str(&told)?)
    }

    /// The file that says where the API server is, and who asks.
    pub(super) fn kubeconfig(&self, user: As) -> PathBuf {
        self.folder.path().join(if user == As::Admin { "admin" } else { "deploy" })
    }

    /// Runs Helm.
    pub(super) fn helm(&self, user: As, args: &[&str]) -> anyhow::Result<String> {
        self.run("helm", user, args, "")
    }

    fn run(&self, tool: &'static str, user: As, args: &[&str], input: &str) -> anyhow::Result<String> {
        // A file and not a pipe: kubectl answers each document before it reads the next.
        let mut asked = tempfile::tempfile()?;
        asked.write_all(input.as_bytes())?;
        asked.rewind()?;
        let output = Command::new(self.workspace.tool(tool))
            .args(args)
            .arg("--kubeconfig")
            .arg(self.kubeconfig(user))
            .current_dir(self.workspace.root())
            // Neither's own settings of whoever runs this.
            .env("HOME", self.folder.path())
            .stdin(Stdio::from(asked))
            .output()
            .with_context(|| format!("cannot start {tool}"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{tool} {}: {errors}", args.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn api_server(&self, etcd: SocketAddr, address: SocketAddr) -> anyhow::Result<Part> {
        let folder = self.folder.path();
        let shell = self.workspace.shell()?;
        shell.change_dir(folder);
        cmd!(shell, "openssl genpkey -quiet -algorithm RSA -out accounts.key").quiet().run()?;
        shell.write_file("tokens", TOKENS)?;
        let mut command = self.part("kube-apiserver", address);
        command
            .arg(format!("--etcd-servers=http://{etcd}"))
            .args(["--authorization-mode=RBAC", "--token-auth-file=tokens"])
            // As EKS has it: what is refused is refused by the namespace's level.
            .arg("--allow-privileged=true")
            .args(["--service-account-issuer=https://kubernetes.default.svc"])
            .args([
                "--service-account-key-file=accounts.key",
                "--service-account-signing-key-file=accounts.key",
            ])
            .args(["--service-cluster-ip-range=10.96.0.0/16"]);
        let mut part = Part::start("kube-apiserver", command, folder)?;
        part.ready(|_| Ok(self.kubectl(As::Admin, &["get", "--raw=/readyz"], "").is_ok()))?;
        Ok(part)
    }

    fn controllers(&self) -> anyhow::Result<Part> {
        let mut command = self.part("kube-controller-manager", free_address()?);
        command
            .args(["--kubeconfig=controllers", "--leader-elect=false", "--use-service-account-credentials"])
            .args(["--service-account-private-key-file=accounts.key"])
            // Nobody tells that the nodes are well: after the usual 50 s their pods would count as lost.
            .arg("--node-monitor-grace-period=1h")
            // As nobody waits for a real load.
            .arg("--horizontal-pod-autoscaler-sync-period=1s");
        Part::start("kube-controller-manager", command, self.folder.path())
    }

    fn scheduler(&self) -> anyhow::Result<Part> {
        let mut command = self.part("kube-scheduler", free_address()?);
        command.args(["--kubeconfig=scheduler", "--leader-elect=false"]);
        Part::start("kube-scheduler", command, self.folder.path())
    }

    fn nodes(&self) -> anyhow::Result<Part> {
        let mut command = Command::new(self.workspace.tool("kwok"));
        command
            .args(["--kubeconfig=admin", "--manage-all-nodes"])
            .arg("--config")
            .arg(self.workspace.path(FOLDER).join("stages.yaml"))
            .arg(format!("--server-address={}", free_address()?))
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        Part::start("kwok", command, self.folder.path())
    }

    /// A part of Kubernetes, with certificates of its own making.
    fn part(&self, name: &str, address: SocketAddr) -> Command {
        let mut command = Command::new(self.workspace.tool(name));
        command
            .arg(format!("--bind-address={}", address.ip()))
            .arg(format!("--secure-port={}", address.port()))
            .arg(format!("--cert-dir={name}"))
            .current_dir(self.folder.path());
        command
    }
}

/// What a list of Kubernetes has in it, or the one object.
pub(super) fn items(mut told: Value) -> anyhow::Result<Vec<Value>> {
    match told.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        Some(other) => anyhow::bail!("`items` is no list but {other}"),
        None => Ok(vec![told]),
    }
}

fn etcd(workspace: &Workspace, folder: &Path) -> anyhow::Result<(Part, SocketAddr)> {
    let (clients, peers) = (free_address()?, free_address()?);
    let mut command = Command::new(workspace.tool("etcd"));
    command
        .args(["--data-dir", text(&folder.join("etcd"))?])
        .args(["--listen-client-urls", &format!("http://{clients}")])
        .args(["--advertise-client-urls", &format!("http://{clients}")])
        .args(["--listen-peer-urls", &format!("http://{peers}")])
        // Nothing has to be there after a power cut.
        .arg("--unsafe-no-fsync");
    let mut part = Part::start("etcd", command, folder)?;
    part.ready(|_| Ok(crate::keep_alive::get(clients, "/health").is_ok_and(|answer| answer.status == 200)))?;
    Ok((part, clients))
}

fn kubeconfig(server: SocketAddr, folder: &Path, token: &str) -> String {
    let authority: PathBuf = folder.join("kube-apiserver/apiserver.crt");
    format!(
        "\
apiVersion: v1
kind: Config
clusters: [{{ name: test, cluster: {{ server: \"https://{server}\", certificate-authority: {} }} }}]
users: [{{ name: test, user: {{ token: {token} }} }}]
contexts: [{{ name: test, context: {{ cluster: test, user: test }} }}]
current-context: test
",
        authority.display()
    )
}
