//! Whether everything that an object names is there: pods of selectors, ports by name, services, accounts, secrets, metrics,
//! flags of the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::cluster::Cluster;
use super::rendered::{self, Pod, Rendered, labels, name, selects};
use super::{CHART, SHARES};
use crate::artifact;
use crate::development;
use crate::e2e::shown::Line;
use crate::process::text;
use crate::workspace::Workspace;

/// With a canary, as then there is all that there can be but for [`SHARES`].
const CANARY: &str = "canary.image=registry.example/inference@sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// A folder for each.
const ENVIRONMENTS: &str = "infra/terraform/cloud/environments";

/// What was looked at, and what is not right with it.
#[derive(Debug, Default)]
pub(super) struct Found {
    looked_at: usize,
    pub(super) wrong: Vec<String>,
}

impl Found {
    fn expect(&mut self, is_so: bool, otherwise: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !is_so {
            self.wrong.push(otherwise());
        }
    }
}

/// With what a chart is looked at.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    workspace: &'a Workspace,
    programs: Programs,
    /// Without one nobody says whether objects are valid and pods admitted.
    server: Option<&'a Cluster>,
}

/// What pods of the chart run.
#[derive(Debug)]
struct Programs {
    service: PathBuf,
    /// Any build takes the same arguments.
    loadtest: PathBuf,
}

impl Programs {
    fn build(workspace: &Workspace) -> anyhow::Result<Self> {
        let loadtest = development::load_test(workspace)?;
        Ok(Self { service: artifact::service(workspace)?, loadtest })
    }

    fn of(&self, pod: &Pod) -> &Path {
        let component = pod.labels().and_then(|labels| labels.get("app.kubernetes.io/component")?.as_str());
        if component == Some("load") { &self.loadtest } else { &self.service }
    }
}

impl<'a> Judge<'a> {
    pub(super) fn new(workspace: &'a Workspace, server: Option<&'a Cluster>) -> anyhow::Result<Self> {
        Ok(Self { workspace, programs: Programs::build(workspace)?, server })
    }

    pub(super) const fn has_server(&self) -> bool {
        self.server.is_some()
    }

    /// Looks at the chart as it is committed, which has nothing wrong.
    pub(super) fn committed(&self) -> anyhow::Result<Line> {
        let begun = Instant::now();
        let (objects, found) = self.look(&self.workspace.path(CHART))?;
        ensure!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
        let environments = self.is_written_for_each_environment()?;
        let judge =
            if self.has_server() { "valid, strictly; pods admitted as `restricted`" } else { "written" };
        let shown = format!(
            "{objects} objects {judge}; {} references lead to something; {environments} environments",
            found.looked_at
        );
        Ok(Line::new("the chart, before anything is made", shown, begun))
    }

    /// With the values that terraform/platform gives it in each; their number.
    fn is_written_for_each_environment(&self) -> anyhow::Result<usize> {
        let mut count = 0;
        for entry in std::fs::read_dir(self.workspace.path(ENVIRONMENTS))? {
            let values = entry?.path().join("inference.yaml");
            rendered::write(self.workspace, &self.workspace.path(CHART), &["--values", text(&values)?])?;
            count += 1;
        }
        Ok(count)
    }

    /// The number of objects, and what was found.
    pub(super) fn look(&self, chart: &Path) -> anyhow::Result<(usize, Found)> {
        let written = rendered::write(self.workspace, chart, &[&["--set", CANARY], &SHARES[..]].concat())?;
        let rendered = match self.server {
            Some(cluster) => Rendered::judged(&written, cluster),
            None => Rendered::read(&written),
        }?;
        let pods = rendered.pods();
        let mut found = Found::default();
        for pod in &pods {
            if let Some(cluster) = self.server {
                let refusal = pod.is_admitted(cluster).err().map(|error| format!("{error:#}"));
                found.expect(refusal.is_none(), || {
                    format!("a pod of {} is refused: {}", pod.owner, refusal.unwrap_or_default())
                });
            }
            takes_its_arguments(self.programs.of(pod), pod, &mut found)?;
            has_what_it_mounts(&rendered, pod, &mut found);
            is_kept_from_the_network(&rendered, pod, &mut found);
            if pod.has_metrics() {
                is_scraped_once(&rendered, pod, &mut found);
            }
            reaches_what_it_asks(&rendered, pod, &mut found);
        }
        selectors(&rendered, &pods, &mut found);
        services(&rendered, &pods, &mut found);
        ports_of_policies(&rendered, &pods, &mut found);
        autoscaler(self.workspace, &rendered, &mut found)?;
        generated(self.workspace, &rendered, &mut found)?;
        Ok((rendered.len(), found))
    }
}

/// The program parses its arguments, then prints its help.
fn takes_its_arguments(program: &Path, pod: &Pod, found: &mut Found) -> anyhow::Result<()> {
    for container in pod.containers() {
        let args = container.get("args").and_then(Value::as_array).into_iter().flatten();
        // Kubernetes puts each pod's own number there.
        let args = args.filter_map(|arg| Some(arg.as_str()?.replace("$(JOB_COMPLETION_INDEX)", "0")));
        let output = Command::new(program).args(args).arg("--help").output()?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        found.expect(output.status.success(), || {
            format!("the program refuses what {} gives it: {told}", pod.owner)
        });
    }
    Ok(())
}

fn has_what_it_mounts(rendered: &Rendered, pod: &Pod, found: &mut Found) {
    let account =
        pod.template.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or_default();
    found.expect(rendered.has("ServiceAccount", account), || {
        format!("{} has no account {account}", pod.owner)
    });
    let volumes = pod.template.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    for class in
        volumes.filter_map(|volume| volume.pointer("/csi/volumeAttributes/secretProviderClass")?.as_str())
    {
        found.expect(rendered.has("SecretProviderClass", class), || format!("{} mounts {class}", pod.owner));
    }
}

/// Each pod is refused everything by one policy that allows nothing, in both directions.
fn is_kept_from_the_network(rendered: &Rendered, pod: &Pod, found: &mut Found) {
    let denied = rendered.of_kind("NetworkPolicy").any(|policy| {
        let spec = |field: &str| policy.pointer(&format!("/spec/{field}"));
        let both = spec("policyTypes").and_then(Value::as_array).is_some_and(|types| types.len() == 2);
        let nothing = spec("ingress").is_none() && spec("egress").is_none();
        both && nothing && selects(spec("podSelector/matchLabels"), pod.labels())
    });
    found.expect(denied, || format!("no policy denies the pods of {} what is not allowed", pod.owner));
}

/// The Service that a pod is told to connect to, as NAME.NAMESPACE.svc:PORT.
fn reaches_what_it_asks(rendered: &Rendered, pod: &Pod, found: &mut Found) {
    let args = pod.containers().filter_map(|container| container.get("args")?.as_array()).flatten();
    for asked in args.filter_map(|arg| arg.as_str()?.strip_prefix("--connect=")) {
        let there = rendered.of_kind("Service").any(|service| {
            let address = |port: &Value| format!("{}.inference.svc:{port}", name(service));
            ports(service).filter_map(|port| port.get("port")).any(|port| address(port) == asked)
        });
        found.expect(there, || format!("{} asks {asked}, which is no service", pod.owner));
    }
}

/// A pod that Prometheus finds twice counts twice in every objective.
fn is_scraped_once(rendered: &Rendered, pod: &Pod, found: &mut Found) {
    let behind = |service: &Value| selects(service.pointer("/spec/selector"), pod.labels());
    let mut times = 0;
    for monitor in rendered.of_kind("ServiceMonitor") {
        let port = monitor.pointer("/spec/endpoints/0/port").and_then(Value::as_str).unwrap_or_default();
        let services = rendered
            .of_kind("Service")
            .filter(|service| selects(monitor.pointer("/spec/selector/matchLabels"), labels(service)));
        times += services.filter(|service| behind(service) && has_port(service, port)).count();
    }
    found.expect(times == 1, || format!("the pods of {} are scraped {times} times", pod.owner));
}

/// Each selects some pod.
fn selectors(rendered: &Rendered, pods: &[Pod], found: &mut Found) {
    for (kind, at) in [
        ("Service", "/spec/selector"),
        ("Deployment", "/spec/selector/matchLabels"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
    ] {
        for object in rendered.of_kind(kind) {
            let some = pods.iter().any(|pod| selects(object.pointer(at), pod.labels()));
            found.expect(some, || format!("{kind} {} selects no pod", name(object)));
        }
    }
    for monitor in rendered.of_kind("ServiceMonitor") {
        let selector = monitor.pointer("/spec/selector/matchLabels");
        let some = rendered.of_kind("Service").any(|service| selects(selector, labels(service)));
        found.expect(some, || format!("ServiceMonitor {} selects no service", name(monitor)));
        let taken = monitor.pointer("/spec/podTargetLabels").and_then(Value::as_array).into_iter().flatten();
        for label in taken.filter_map(Value::as_str) {
            let some = pods.iter().any(|pod| pod.labels().is_some_and(|labels| labels.contains_key(label)));
            found.expect(some, || {
                format!("ServiceMonitor {} takes the label {label} of no pod", name(monitor))
            });
        }
    }
}

/// Ports of services lead to ports of every pod behind them, and the load balancer to a service.
fn services(rendered: &Rendered, pods: &[Pod], found: &mut Found) {
    for service in rendered.of_kind("Service") {
        let behind = pods.iter().filter(|pod| selects(service.pointer("/spec/selector"), pod.labels()));
        for pod in behind {
            for port in ports(service).filter_map(|port| port.get("targetPort")?.as_str()) {
                let there = pod.ports().iter().any(|(name, _)| *name == port);
                found.expect(there, || {
                    format!("Service {} leads to no port {port} of {}", name(service), pod.owner)
                });
            }
        }
    }
    for binding in rendered.of_kind("TargetGroupBinding") {
        let to = |field: &str| {
            binding.pointer(&format!("/spec/serviceRef/{field}")).and_then(Value::as_str).unwrap_or_default()
        };
        let there = rendered
            .of_kind("Service")
            .any(|service| name(service) == to("name") && has_port(service, to("port")));
        found.expect(there, || format!("the load balancer is bound to {}, port {}", to("name"), to("port")));
    }
}

fn ports_of_policies(rendered: &Rendered, pods: &[Pod], found: &mut Found) {
    for policy in rendered.of_kind("NetworkPolicy") {
        let rules = policy.pointer("/spec/ingress").and_then(Value::as_array).into_iter().flatten();
        let ports = rules.filter_map(|rule| rule.get("ports")?.as_array()).flatten();
        for port in ports.filter_map(|port| port.get("port")?.as_str()) {
            let selected = pods
                .iter()
                .filter(|pod| selects(policy.pointer("/spec/podSelector/matchLabels"), pod.labels()));
            let there = selected.flat_map(Pod::ports).any(|(name, _)| name == port);
            found.expect(there, || {
                format!("NetworkPolicy {} lets in to port {port}, which is none", name(policy))
            });
        }
    }
}

fn autoscaler(workspace: &Workspace, rendered: &Rendered, found: &mut Found) -> anyhow::Result<()> {
    let exported = exported(workspace)?;
    for autoscaler in rendered.of_kind("HorizontalPodAutoscaler") {
        let target =
            autoscaler.pointer("/spec/scaleTargetRef/name").and_then(Value::as_str).unwrap_or_default();
        found.expect(rendered.has("Deployment", target), || format!("the autoscaler scales {target}"));
        let metrics = autoscaler.pointer("/spec/metrics").and_then(Value::as_array).into_iter().flatten();
        for metric in metrics.filter_map(|metric| metric.pointer("/pods/metric/name")?.as_str()) {
            found.expect(exported.contains(metric), || format!("the autoscaler asks for {metric}"));
        }
    }
    Ok(())
}

/// Names of what the service exports. That rules name nothing else is checked where they are generated.
fn exported(workspace: &Workspace) -> anyhow::Result<BTreeSet<String>> {
    let catalogue: Value =
        serde_json::from_str(&std::fs::read_to_string(workspace.path("services/inference/metrics.json"))?)?;
    let metrics = catalogue.get("metrics").and_then(Value::as_array).context("no metrics in metrics.json")?;
    Ok(metrics.iter().filter_map(|metric| metric.get("name")?.as_str()).map(str::to_owned).collect())
}

/// Every generated dashboard and the rules are among the objects.
fn generated(workspace: &Workspace, rendered: &Rendered, found: &mut Found) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(workspace.path("observability/grafana/dashboards"))? {
        let path = entry?.path();
        let file = path.file_name().and_then(|name| name.to_str()).context("a dashboard's name")?;
        let content = std::fs::read_to_string(&path)?;
        let there = rendered.of_kind("ConfigMap").any(|map| {
            let held = map.get("data").and_then(|data| data.get(file)).and_then(Value::as_str);
            held == Some(content.as_str())
                && labels(map).is_some_and(|labels| labels.contains_key("grafana_dashboard"))
        });
        found.expect(there, || format!("no object holds the dashboard {file} for Grafana"));
    }
    found.expect(rendered.of_kind("PrometheusRule").count() == 1, || "the rules are not there".into());
    Ok(())
}

fn ports(service: &Value) -> impl Iterator<Item = &Value> {
    service.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten()
}

fn has_port(service: &Value, named: &str) -> bool {
    ports(service).any(|port| port.get("name").and_then(Value::as_str) == Some(named))
}
