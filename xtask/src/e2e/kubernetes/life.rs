//! The life of a release: the namespace first, then installed, upgraded, with a canary, rolled back, and taken away, with no
//! more rights than a deploy has.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::cluster::{As, Cluster, FOLDER};
use super::rendered::{self, name};
use super::{CHART, SHARES, VALUES};
use crate::e2e::shown::Line;
use crate::process::text;
use crate::wait;
use crate::workspace::Workspace;

/// For controllers to have done what they were told.
const LIMIT: Duration = Duration::from_secs(60);

const NEXT: &str =
    "registry.example/inference@sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// Everything that a release makes, the pods included.
const KINDS: &str = "deployments,replicasets,pods,services,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies,\
                     servicemonitors,prometheusrules,targetgroupbindings,secretproviderclasses";

/// Kinds, namespace and rights: what terraform makes before the first release.
pub(super) fn prepare(workspace: &Workspace, cluster: &Cluster) -> anyhow::Result<()> {
    let kinds = workspace.tools().join("prometheus-operator");
    let file = |name: &str| format!("{FOLDER}/{name}.yaml");
    // Not applied: their schemas are larger than the note that `apply` would take of them.
    cluster.kubectl(As::Admin, &["create", "--filename", text(&kinds)?, "--filename", &file("kinds")], "")?;
    cluster.kubectl(
        As::Admin,
        &["wait", "crd", "--all", "--for=condition=Established", "--timeout=60s"],
        "",
    )?;
    cluster.helm(
        As::Admin,
        &["install", "namespace", "infra/charts/namespace", "--namespace=kube-system", "--wait"],
    )?;
    cluster.kubectl(As::Admin, &["apply", "--filename", &file("rights")], "")?;
    // What a role like `edit` may do is put together by a controller.
    let may = ["auth", "can-i", "create", "deployments", "--namespace=inference"];
    wait::until("a deploy to have its rights", LIMIT, || {
        Ok(cluster.kubectl(As::Deploy, &may, "").is_ok().then_some(()))
    })
}

pub(super) fn live(workspace: &Workspace, cluster: &Cluster) -> anyhow::Result<Vec<Line>> {
    Ok(vec![
        installed(cluster)?,
        tested(cluster)?,
        with_a_canary(cluster)?,
        promoted(cluster)?,
        rolled_back(cluster)?,
        scaled_up(cluster)?,
        a_zone_is_lost(cluster)?,
        shares_of_a_load(workspace, cluster)?,
        restricted(cluster)?,
        uninstalled(cluster)?,
    ])
}

pub(super) fn upgrade(cluster: &Cluster, args: &[&str]) -> anyhow::Result<()> {
    let upgrade =
        ["upgrade", "--install", "inference", CHART, "--namespace=inference", "--wait", "--timeout=60s"];
    cluster.helm(As::Deploy, &[&upgrade[..], args].concat()).map(drop)
}

fn installed(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    upgrade(cluster, &["--values", VALUES])?;
    // One, until the autoscaler has looked.
    let pods = ready(cluster, "stable", 3)?;
    let nodes = nodes_of(&pods);
    ensure!(nodes.len() == 3, "three pods are on {nodes:?}");
    Ok(Line::new(
        "`helm upgrade --install --wait`, with the rights of a deploy",
        "three pods ready, one in each zone, and the prober".into(),
        begun,
    ))
}

/// Its pod is scheduled and admitted; what it would say, no container says here.
fn tested(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    cluster.helm(As::Deploy, &["test", "inference", "--namespace=inference", "--timeout=60s"])?;
    Ok(Line::new("`helm test`", "its pod taken, played and gone".into(), begun))
}

fn with_a_canary(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    upgrade(cluster, &["--reset-then-reuse-values", "--set", &format!("canary.image={NEXT}")])?;
    ready(cluster, "canary", 1)?;
    ready(cluster, "stable", 3)?;
    behind(cluster, "inference", 4)?;
    behind(cluster, "inference-canary", 1)?;
    Ok(Line::new("a canary", "one of four behind the door, alone behind its own".into(), begun))
}

fn promoted(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    upgrade(cluster, &["--reset-then-reuse-values", "--set", &format!("image={NEXT},canary.image=")])?;
    wait::until("the new image alone", LIMIT, || {
        let pods = of_track(cluster, "stable")?;
        Ok((pods.len() == 3 && pods.iter().all(|pod| image(pod) == Some(NEXT))).then_some(()))
    })?;
    ready(cluster, "canary", 0)?;
    behind(cluster, "inference", 3)?;
    Ok(Line::new("upgrade", "three pods of the new image, as many as before; no canary".into(), begun))
}

fn rolled_back(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    cluster.helm(
        As::Deploy,
        &["rollback", "inference", "1", "--namespace=inference", "--wait", "--timeout=60s"],
    )?;
    wait::until("the old image alone", LIMIT, || {
        let pods = of_track(cluster, "stable")?;
        Ok((pods.len() == 3 && pods.iter().all(|pod| image(pod).is_some_and(|image| image != NEXT)))
            .then_some(()))
    })?;
    Ok(Line::new("`helm rollback` to the first revision", "three pods of the old image".into(), begun))
}

fn scaled_up(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    upgrade(cluster, &["--reset-then-reuse-values", "--set", "autoscaling.minimum=6"])?;
    let pods = ready(cluster, "stable", 6)?;
    let nodes = nodes_of(&pods);
    ensure!(nodes.values().all(|pods| *pods == 2), "six pods are on {nodes:?}");
    behind(cluster, "inference", 6)?;
    Ok(Line::new("`autoscaling.minimum=6`", "six pods ready, two in each zone".into(), begun))
}

/// The zone's node takes no more pods, and those that it has are evicted, as many at once as may be missing.
fn a_zone_is_lost(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    let pods = of_track(cluster, "stable")?;
    let lost = nodes_of(&pods).into_keys().next().context("a pod without a node")?;
    let drain = ["drain", &lost, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"];
    cluster.kubectl(As::Admin, &drain, "")?;
    let nodes = nodes_of(&ready(cluster, "stable", 6)?);
    ensure!(
        nodes.len() == 2 && !nodes.contains_key(&lost),
        "after {lost} was drained, pods are on {nodes:?}"
    );
    behind(cluster, "inference", 6)?;
    cluster.kubectl(As::Admin, &["uncordon", &lost], "")?;
    Ok(Line::new(
        "`kubectl drain` of a zone's node",
        "six pods ready again, in the two other zones".into(),
        begun,
    ))
}

/// Each pod is told which share is its own. The zone that was lost has a node without pods of the service.
fn shares_of_a_load(workspace: &Workspace, cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    let only_the_job = ["--show-only=templates/load.yaml"];
    let job = rendered::write(workspace, &workspace.path(CHART), &[&SHARES[..], &only_the_job].concat())?;
    cluster.kubectl(As::Deploy, &["create", "--namespace=inference", "--filename=-"], &job)?;
    let over =
        ["wait", "jobs", "--all", "--namespace=inference", "--for=condition=Complete", "--timeout=60s"];
    cluster.kubectl(As::Deploy, &over, "")?;
    let mut pods = cluster.objects("pods")?;
    pods.retain(|pod| pod.pointer("/metadata/labels/app.kubernetes.io~1component") == Some(&json!("load")));
    let index = |pod: &Value| {
        pod.pointer("/metadata/labels/batch.kubernetes.io~1job-completion-index").cloned().unwrap_or_default()
    };
    let mut shares: Vec<_> = pods.iter().map(index).collect();
    shares.sort_by_key(Value::to_string);
    ensure!(shares == [json!("0"), json!("1"), json!("2")], "the pods' shares are {shares:?}");
    let told =
        |pod: &Value| pod.pointer("/spec/containers/0/env/0/name") == Some(&json!("JOB_COMPLETION_INDEX"));
    ensure!(pods.iter().all(told), "a pod is not told which share is its own");
    let (nodes, served) = (nodes_of(&pods), nodes_of(&of_track(cluster, "stable")?));
    ensure!(nodes.keys().all(|node| !served.contains_key(node)), "the load's pods are on {nodes:?}");
    cluster.kubectl(As::Deploy, &["delete", "--namespace=inference", "--filename=-", "--wait"], &job)?;
    Ok(Line::new(
        "the load's Job, from `helm template`",
        "three pods, each with its number, beside none of the service's; complete; taken away".into(),
        begun,
    ))
}

/// How many of the pods are on each node.
fn nodes_of(pods: &[Value]) -> BTreeMap<String, usize> {
    let mut nodes = BTreeMap::new();
    for node in pods.iter().filter_map(|pod| pod.pointer("/spec/nodeName").and_then(Value::as_str)) {
        *nodes.entry(node.to_owned()).or_default() += 1;
    }
    nodes
}

/// What the chart does not ask for, and somebody might.
fn restricted(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    let privileged = ["run", "x", "--image=x", "--namespace=inference", "--privileged"];
    let error = cluster.kubectl(As::Deploy, &privileged, "").err().context("a privileged pod is taken")?;
    let error = format!("{error:#}");
    ensure!(error.contains("violates PodSecurity \"restricted:latest\": privileged"), "{error}");
    let label =
        ["label", "namespace", "inference", "--overwrite", "pod-security.kubernetes.io/enforce=privileged"];
    let error = cluster.kubectl(As::Deploy, &label, "").err().context("a deploy may change the namespace")?;
    let error = format!("{error:#}");
    ensure!(error.contains("forbidden") || error.contains("Forbidden"), "{error}");
    Ok(Line::new(
        "a privileged pod; another level for the namespace",
        "both refused to a deploy".into(),
        begun,
    ))
}

fn uninstalled(cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    cluster
        .helm(As::Deploy, &["uninstall", "inference", "--namespace=inference", "--wait", "--timeout=60s"])?;
    let mut left = Vec::new();
    wait::until("nothing to be left", LIMIT, || {
        left = cluster.objects(KINDS)?.iter().map(|object| name(object).to_owned()).collect();
        Ok(left.is_empty().then_some(()))
    })
    .with_context(|| left.join(", "))?;
    Ok(Line::new("`helm uninstall`", "nothing left but the namespace".into(), begun))
}

pub(super) fn of_track(cluster: &Cluster, track: &str) -> anyhow::Result<Vec<Value>> {
    let mut pods = cluster.objects("pods")?;
    pods.retain(|pod| pod.pointer("/metadata/labels/track").and_then(Value::as_str) == Some(track));
    Ok(pods)
}

/// Waits until so many pods of the track are there, and all of them ready.
pub(super) fn ready(cluster: &Cluster, track: &str, count: usize) -> anyhow::Result<Vec<Value>> {
    let mut seen = String::new();
    wait::until(&format!("{count} pods of {track} to be ready"), LIMIT, || {
        let pods = of_track(cluster, track)?;
        let running =
            pods.iter().filter(|pod| pod.pointer("/status/phase").and_then(Value::as_str) == Some("Running"));
        let is_so = running.count() == count && pods.len() == count;
        let message = |pod: &Value| pod.pointer("/status/conditions/0/message").cloned().unwrap_or_default();
        seen = pods.iter().map(|pod| format!("{}: {}\n", name(pod), message(pod))).collect();
        Ok(is_so.then_some(pods))
    })
    .with_context(|| seen)
}

/// Waits until so many pods get what is sent to the service.
fn behind(cluster: &Cluster, service: &str, count: usize) -> anyhow::Result<()> {
    wait::until(&format!("{count} pods behind {service}"), LIMIT, || {
        let slices = cluster.objects("endpointslices")?;
        let of_service = |slice: &&Value| {
            slice.pointer("/metadata/labels/kubernetes.io~1service-name").and_then(Value::as_str)
                == Some(service)
        };
        let addresses = slices
            .iter()
            .filter(of_service)
            .filter_map(|slice| slice.get("endpoints")?.as_array())
            .flatten()
            .filter(|endpoint| endpoint.pointer("/conditions/ready") == Some(&Value::Bool(true)));
        Ok((addresses.count() == count).then_some(()))
    })
}

pub(super) fn image(pod: &Value) -> Option<&str> {
    pod.pointer("/spec/containers/0/image")?.as_str()
}
