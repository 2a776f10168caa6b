//! Copies of the chart, each with one line made wrong: the test must notice, or it proves nothing.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use super::CHART;
use super::closure::Judge;
use crate::e2e::shown::Line;
use crate::workspace::Workspace;

/// A line, what it becomes, and what the test then says.
struct Mutant {
    file: &'static str,
    line: &'static str,
    becomes: &'static str,
    noticed: &'static str,
}

const fn mutant(
    file: &'static str,
    line: &'static str,
    becomes: &'static str,
    noticed: &'static str,
) -> Mutant {
    Mutant { file, line, becomes, noticed }
}

/// What is noticed in what Helm writes.
const MUTANTS: &[Mutant] = &[
    mutant(
        "availability.yaml",
        "      app.kubernetes.io/component: api",
        "      app.kubernetes.io/component: apis",
        "PodDisruptionBudget inference selects no pod",
    ),
    mutant(
        "availability.yaml",
        "    name: inference\n  minReplicas",
        "    name: inferences\n  minReplicas",
        "the autoscaler scales inferences",
    ),
    mutant(
        "availability.yaml",
        "name: http_server_active_requests",
        "name: http_requests_in_flight",
        "the autoscaler asks for http_requests_in_flight",
    ),
    mutant(
        "deployments.yaml",
        "            - --proxy-protocol",
        "            - --proxy-protocols",
        "the program refuses what inference gives it",
    ),
    mutant(
        "deployments.yaml",
        "      serviceAccountName: inference",
        "      serviceAccountName: default",
        "inference has no account default",
    ),
    mutant(
        "deployments.yaml",
        "name: admin, containerPort",
        "name: metrics, containerPort",
        "Service inference leads to no port admin of inference",
    ),
    mutant(
        "network.yaml",
        "  policyTypes: [Ingress, Egress]\n---",
        "  policyTypes: [Ingress]\n---",
        "no policy denies the pods of inference what is not allowed",
    ),
    mutant(
        "network.yaml",
        "port: api }",
        "port: https }",
        "NetworkPolicy inference-api lets in to port https",
    ),
    mutant(
        "observability.yaml",
        "      scraped: \"true\"",
        "      scraped: \"yes\"",
        "ServiceMonitor inference selects no service",
    ),
    mutant("observability.yaml", "[track, version]", "[track, release]", "takes the label release of no pod"),
    mutant(
        "observability.yaml",
        "    grafana_dashboard: \"1\"",
        "",
        "no object holds the dashboard overview.json",
    ),
    mutant(
        "services.yaml",
        "    name: inference\n    port: api",
        "    name: inference\n    port: https",
        "the load balancer is bound to inference, port https",
    ),
    mutant(
        "services.yaml",
        "    track: canary",
        "    track: canaries",
        "Service inference-canary selects no pod",
    ),
    mutant(
        "services.yaml",
        "    app.kubernetes.io/component: api\n  ports:\n    - { name: api, port: 8080, targetPort: api }\n    - { name: admin",
        "    app.kubernetes.io/component: api\n    track: stable\n  ports:\n    - { name: api, port: 8080, targetPort: api }\n    - { name: admin",
        "the pods of inference-canary are scraped 0 times",
    ),
    mutant(
        "test.yaml",
        "inference.{{ .Release.Namespace }}.svc:8080",
        "inference.{{ .Release.Namespace }}.svc:8443",
        "inference-test asks inference.inference.svc:8443",
    ),
    mutant(
        "load.yaml",
        "            - --begin-at=",
        "            - --begins-at=",
        "the program refuses what inference-load-2026-01-01t120000z gives it",
    ),
    mutant(
        "_names.tpl",
        "  name: {{ .provider }}",
        "  name: {{ .provider }}-files",
        "inference mounts inference",
    ),
];

/// What only admission and schemas notice.
const ONLY_BY_THE_SERVER: &[Mutant] = &[
    mutant("_names.tpl", "  runAsNonRoot: true", "", "violates PodSecurity \"restricted:latest\""),
    mutant("_names.tpl", "    drop: [ALL]", "    drop: []", "violates PodSecurity \"restricted:latest\""),
    mutant(
        "_names.tpl",
        "    type: RuntimeDefault",
        "    type: Unconfined",
        "violates PodSecurity \"restricted:latest\"",
    ),
    mutant(
        "availability.yaml",
        "  maxUnavailable: 1",
        "  maxUnavailabel: 1",
        "unknown field \"spec.maxUnavailabel\"",
    ),
];

pub(super) fn are_noticed(workspace: &Workspace, judge: &Judge<'_>) -> anyhow::Result<Line> {
    let begun = Instant::now();
    let judged = if judge.has_server() { ONLY_BY_THE_SERVER } else { &[] };
    for mutant in MUTANTS.iter().chain(judged) {
        let (folder, shell) = (tempfile::tempdir()?, Shell::new()?);
        let chart = folder.path().join("inference");
        let (from, to) = (workspace.path(CHART), &chart);
        // Links become what they lead to.
        cmd!(shell, "cp --recursive --dereference {from} {to}").quiet().run()?;
        mutant.is_made(&chart)?;
        let said = match judge.look(&chart) {
            Ok((_, found)) => found.wrong.join("\n"),
            Err(error) => format!("{error:#}"),
        };
        let Mutant { file, line, becomes, noticed } = mutant;
        ensure!(said.contains(noticed), "in {file} {line:?} became {becomes:?}, and the test says: {said}");
    }
    let shown = format!("{}, each noticed by what it breaks", MUTANTS.len() + judged.len());
    Ok(Line::new("copies of the chart with one line made wrong", shown, begun))
}

impl Mutant {
    fn is_made(&self, chart: &Path) -> anyhow::Result<()> {
        let path = chart.join("templates").join(self.file);
        let text = std::fs::read_to_string(&path).with_context(|| self.file.to_owned())?;
        ensure!(text.contains(self.line), "{} has no {:?} any more", self.file, self.line);
        Ok(std::fs::write(&path, text.replacen(self.line, self.becomes, 1))?)
    }
}
