//! `cargo xtask tools`: installs what the tests need, pinned, into `.tools/`, and system packages through apt-get.
//!
//! A tool is a row of `TOOLS`. Running it again is instant: a stamp remembers the pin that was installed. Must never
//! take a tool of another version than its row says because it happens to be in the `PATH`; the exceptions are the
//! system packages, which are as old as the system.

mod apt;
mod cargo;
mod collector;
mod go;
mod npm;
mod python;
mod stamp;
mod terraform;

use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::process;
use crate::report::Took;
use crate::workspace::Workspace;

/// Which tools.
#[derive(Debug, Args)]
pub(crate) struct ToolsOptions {
    /// Only these; without a name, all
    names: Vec<String>,
    /// Show the tools, their versions and whether they are there, and install nothing
    #[arg(long)]
    list: bool,
}

/// Something that a test needs and that this repository does not hold.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What steps and tests call it in their `needs`.
    pub(crate) name: &'static str,
    /// The exact version, or where the versions are locked.
    pub(crate) version: &'static str,
    how: How,
}

/// How a tool is had.
#[derive(Debug)]
enum How {
    /// A Debian package, there when the program is in the `PATH`.
    Apt { package: &'static str, program: &'static str },
    /// A crate with a binary of the tool's name.
    Cargo,
    /// A Python environment of the tool's name, from the lock file.
    Python { lock: &'static str },
    /// A program in Go of the tool's name, from the module in the folder.
    Go { folder: &'static str, package: &'static str },
    /// Files of a Go module in a folder of the tool's name.
    GoFiles { folder: &'static str, module: &'static str, files: &'static [&'static str] },
    /// The OpenTelemetry collector, put together by its own builder from the folder's manifest.
    Collector { folder: &'static str },
    /// Terraform, which has to be there.
    Terraform,
    /// A program for Node.js with packages of the npm registry, from the folder's lock file.
    Npm { folder: &'static str },
}

/// A part of Kubernetes, or what is built with it so that what they share is compiled once.
const fn kubernetes(name: &'static str, version: &'static str, package: &'static str) -> Tool {
    Tool { name, version, how: How::Go { folder: "tools/kubernetes", package } }
}

const fn debian(program: &'static str, package: &'static str) -> Tool {
    Tool { name: program, version: "as Debian has it", how: How::Apt { package, program } }
}

/// A server in Python, in an environment of its own.
const fn peer(name: &'static str, lock: &'static str) -> Tool {
    Tool { name, version: lock, how: How::Python { lock } }
}

/// Every tool.
pub(crate) const TOOLS: &[Tool] = &[
    // What builds and runs the image, and what a client on the other side of a socket uses.
    debian("podman", "podman"),
    debian("buildah", "buildah"),
    debian("runc", "runc"),
    debian("nginx", "nginx"),
    debian("wrk", "wrk"),
    debian("h2load", "nghttp2-client"),
    debian("valgrind", "valgrind"),
    debian("perf", "linux-perf"),
    debian("curl", "curl"),
    debian("openssl", "openssl"),
    debian("faketime", "faketime"),
    // What looks at the pages that a person looks at.
    debian("chromium-headless-shell", "chromium-headless-shell"),
    // What watches the service, and what asks it.
    debian("prometheus-alertmanager", "prometheus-alertmanager"),
    debian("amtool", "prometheus-alertmanager"),
    Tool {
        name: "python",
        version: "tools/python/requirements.txt",
        how: How::Python { lock: "tools/python/requirements.txt" },
    },
    Tool {
        name: "prometheus",
        version: "3.5.0",
        how: How::Go {
            folder: "tools/prometheus",
            package: "github.com/prometheus/prometheus/cmd/prometheus",
        },
    },
    Tool {
        name: "promtool",
        version: "3.5.0",
        how: How::Go { folder: "tools/prometheus", package: "github.com/prometheus/prometheus/cmd/promtool" },
    },
    Tool { name: "otelcol", version: "0.165.0", how: How::Collector { folder: "tools/collector" } },
    // What puntual is compared with.
    peer("flask", "loadtest/peers/flask/requirements.txt"),
    peer("fastapi", "loadtest/peers/fastapi/requirements.txt"),
    peer("litserve", "loadtest/peers/litserve/requirements.txt"),
    peer("bentoml", "loadtest/peers/bentoml/requirements.txt"),
    peer("mosec", "loadtest/peers/mosec/requirements.txt"),
    peer("mlserver", "loadtest/peers/mlserver/requirements.txt"),
    // What makes the cloud, and what looks at how.
    Tool { name: "terraform", version: "1.11.4", how: How::Terraform },
    Tool {
        name: "tflint",
        version: "0.64.0",
        how: How::Go { folder: "tools/tflint", package: "github.com/terraform-linters/tflint" },
    },
    Tool {
        name: "checkov",
        version: "tools/checkov/requirements.txt",
        how: How::Python { lock: "tools/checkov/requirements.txt" },
    },
    // What audits the workflows.
    Tool {
        name: "zizmor",
        version: "tools/zizmor/requirements.txt",
        how: How::Python { lock: "tools/zizmor/requirements.txt" },
    },
    Tool {
        name: "actionlint",
        version: "1.7.12",
        how: How::Go { folder: "tools/actionlint", package: "github.com/rhysd/actionlint/cmd/actionlint" },
    },
    // What the chart is installed with, and on. kwok stands for the nodes.
    kubernetes("kube-apiserver", "1.36.1", "k8s.io/kubernetes/cmd/kube-apiserver"),
    kubernetes("kube-controller-manager", "1.36.1", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    kubernetes("kube-scheduler", "1.36.1", "k8s.io/kubernetes/cmd/kube-scheduler"),
    kubernetes("etcd", "3.6.8", "go.etcd.io/etcd/server/v3"),
    kubernetes("kubectl", "1.36.1", "k8s.io/kubernetes/cmd/kubectl"),
    kubernetes("kwok", "0.8.0", "sigs.k8s.io/kwok/cmd/kwok"),
    kubernetes("helm", "3.21.4", "helm.sh/helm/v3/cmd/helm"),
    Tool {
        name: "prometheus-operator",
        version: "0.85.0",
        how: How::GoFiles {
            folder: "tools/prometheus-operator",
            module: "github.com/prometheus-operator/prometheus-operator",
            files: &[
                "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
                "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            ],
        },
    },
    Tool { name: "oidc-provider", version: "9.13.3", how: How::Npm { folder: "tools/oidc-provider" } },
    // What writes into a binary what it is made of, and what makes a bill of materials of that.
    Tool { name: "cargo-auditable", version: "0.7.7", how: How::Cargo },
    Tool { name: "auditable2cdx", version: "0.1.0", how: How::Cargo },
    Tool { name: "cargo-deny", version: "0.20.2", how: How::Cargo },
    Tool { name: "cargo-fuzz", version: "0.13.2", how: How::Cargo },
    Tool { name: "cargo-machete", version: "0.9.2", how: How::Cargo },
];

pub(crate) fn run(workspace: &Workspace, options: &ToolsOptions) -> anyhow::Result<()> {
    if options.list {
        for tool in TOOLS {
            let state = if is_there(workspace, tool)? { "there" } else { "missing" };
            println!("{:<24} {:<32} {state}", tool.name, tool.version);
        }
        return Ok(());
    }
    let all: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    let chosen: Vec<&str> = options.names.iter().map(String::as_str).collect();
    ensure(workspace, if chosen.is_empty() { &all } else { &chosen })
}

/// Installs what is not there yet. One that cannot be had does not stop the others; the error names all of those.
pub(crate) fn ensure(workspace: &Workspace, names: &[&str]) -> anyhow::Result<()> {
    let mut packages = Vec::new();
    let mut wrong = Vec::new();
    for tool in rows(names)? {
        if is_there(workspace, tool)? {
            continue;
        }
        if let How::Apt { package, .. } = tool.how {
            if !packages.contains(&package) {
                packages.push(package);
            }
            continue;
        }
        eprintln!("    installing {} {}", tool.name, tool.version);
        let begun = Instant::now();
        match install(workspace, tool) {
            Ok(()) => eprintln!("    installed {} in {}", tool.name, Took(begun.elapsed())),
            Err(error) => wrong.push(format!("{} cannot be installed: {error:#}", tool.name)),
        }
    }
    if !packages.is_empty() {
        eprintln!("    installing Debian packages: {}", packages.join(" "));
        if let Err(error) = apt::install(workspace, &packages) {
            wrong.push(format!("{error:#}"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// Those of the named tools that are not there.
pub(crate) fn missing<'a>(workspace: &Workspace, names: &[&'a str]) -> anyhow::Result<Vec<&'a str>> {
    let mut missing = Vec::new();
    for (tool, name) in rows(names)?.into_iter().zip(names) {
        if !is_there(workspace, tool)? {
            missing.push(*name);
        }
    }
    Ok(missing)
}

fn rows(names: &[&str]) -> anyhow::Result<Vec<&'static Tool>> {
    names
        .iter()
        .map(|name| {
            TOOLS
                .iter()
                .find(|tool| tool.name == *name)
                .with_context(|| format!("there is no tool `{name}`; `cargo xtask tools --list` shows them"))
        })
        .collect()
}

fn is_there(workspace: &Workspace, tool: &Tool) -> anyhow::Result<bool> {
    Ok(match &tool.how {
        How::Apt { program, .. } => process::is_in_path(program),
        How::Cargo => {
            workspace.tool(tool.name).is_file()
                && stamp::is_fresh(workspace, tool.name, &pin(workspace, tool)?)
        }
        How::Python { .. } => {
            python::is_there(workspace, tool.name)
                && stamp::is_fresh(workspace, tool.name, &pin(workspace, tool)?)
        }
        How::Go { .. } | How::Collector { .. } => {
            workspace.tool(tool.name).is_file()
                && stamp::is_fresh(workspace, tool.name, &pin(workspace, tool)?)
        }
        How::GoFiles { .. } => stamp::is_fresh(workspace, tool.name, &pin(workspace, tool)?),
        How::Terraform => terraform::is_there(workspace, tool.version)?,
        How::Npm { .. } => {
            workspace.tools().join(tool.name).join("node_modules").is_dir()
                && stamp::is_fresh(workspace, tool.name, &pin(workspace, tool)?)
        }
    })
}

/// Everything that, when it changes, makes the installed tool another one.
fn pin(workspace: &Workspace, tool: &Tool) -> anyhow::Result<String> {
    match &tool.how {
        How::Apt { .. } | How::Cargo | How::Terraform => Ok(format!("{} {}\n", tool.name, tool.version)),
        How::Python { lock } => python::pin(workspace, lock),
        How::Go { folder, .. } | How::GoFiles { folder, .. } => go::pin(workspace, folder, &go::FILES),
        How::Collector { folder } => go::pin(workspace, folder, &collector::FILES),
        How::Npm { folder } => npm::pin(workspace, folder),
    }
}

fn install(workspace: &Workspace, tool: &Tool) -> anyhow::Result<()> {
    stamp::remove(workspace, tool.name)?;
    match &tool.how {
        How::Apt { package, .. } => apt::install(workspace, &[package])?,
        How::Cargo => cargo::install(workspace, tool.name, tool.version)?,
        How::Python { lock } => python::install(workspace, tool.name, lock)?,
        How::Go { folder, package } => go::install(workspace, tool.name, folder, package)?,
        How::GoFiles { folder, module, files } => go::files(workspace, tool.name, folder, module, files)?,
        How::Collector { folder } => collector::install(workspace, folder, tool.name)?,
        How::Terraform => terraform::install(workspace, tool.version)?,
        How::Npm { folder } => npm::install(workspace, folder, tool.name)?,
    }
    stamp::write(workspace, tool.name, &pin(workspace, tool)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        for tool in TOOLS {
            assert_eq!(TOOLS.iter().filter(|other| other.name == tool.name).count(), 1, "{}", tool.name);
        }
    }

    #[test]
    fn an_unknown_tool_is_refused_before_anything_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let error = ensure(&Workspace::at(folder.path()), &["nope"]).unwrap_err().to_string();
        assert_eq!(error, "there is no tool `nope`; `cargo xtask tools --list` shows them");
    }

    #[test]
    fn a_tool_with_a_stamp_but_without_its_file_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let deny = rows(&["cargo-deny"]).unwrap().remove(0);
        stamp::write(&workspace, deny.name, &pin(&workspace, deny).unwrap()).unwrap();
        assert_eq!(missing(&workspace, &["cargo-deny"]).unwrap(), ["cargo-deny"]);

        std::fs::create_dir_all(workspace.tools().join("bin")).unwrap();
        std::fs::write(workspace.tool("cargo-deny"), "").unwrap();
        assert!(missing(&workspace, &["cargo-deny"]).unwrap().is_empty());
    }
}
