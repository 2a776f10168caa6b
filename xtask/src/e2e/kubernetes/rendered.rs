//! What the chart renders, as it is written or as the API server takes it, and the pods that come of it.
//!
//! Must never make anything: the server is asked what it would do.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};
use xshell::cmd;

use super::VALUES;
use super::cluster::{As, Cluster, items};
use crate::workspace::Workspace;

/// All objects.
#[derive(Debug)]
pub(super) struct Rendered {
    objects: Vec<Value>,
}

/// A pod as its owner would make it.
#[derive(Debug)]
pub(super) struct Pod {
    /// The Deployment or the Job that makes it, or itself.
    pub(super) owner: String,
    /// `metadata` and `spec` of its template.
    pub(super) template: Value,
}

/// What Helm writes for the chart of the folder, told the test's values and what these options say.
pub(super) fn write(workspace: &Workspace, chart: &Path, options: &[&str]) -> anyhow::Result<String> {
    let shell = workspace.shell()?;
    let output =
        cmd!(shell, "helm template inference {chart} --namespace inference --values {VALUES} {options...}")
            .quiet()
            .ignore_status()
            .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

impl Rendered {
    /// As it is written.
    pub(super) fn read(written: &str) -> anyhow::Result<Self> {
        Ok(Self { objects: serde_saphyr::from_multiple(written).context("what Helm writes")? })
    }

    /// As the server takes it, strictly: a field that it doesn't know is an error. A pod that nobody owns stays as it is written,
    /// because the server refuses it until its account is made; [`Pod::is_admitted`] has it judged.
    pub(super) fn judged(written: &str, cluster: &Cluster) -> anyhow::Result<Self> {
        let Self { mut objects } = Self::read(written)?;
        objects.retain(|object| kind(object) == Some("Pod"));
        let others: Vec<&str> =
            written.split("\n---\n").filter(|document| !document.contains("\nkind: Pod\n")).collect();
        let create = ["create", "--namespace=inference", "--filename=-", "--output=json"];
        let only = ["--dry-run=server", "--validate=strict"];
        let judged = cluster.kubectl(As::Deploy, &[&create[..], &only].concat(), &others.join("\n---\n"))?;
        // One document after the other, or one list.
        for document in serde_json::Deserializer::from_str(&judged).into_iter::<Value>() {
            objects.extend(items(document?)?);
        }
        Ok(Self { objects })
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Those of a kind.
    pub(super) fn of_kind(&self, wanted: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| kind(object) == Some(wanted))
    }

    /// Whether there is one of this kind and name.
    pub(super) fn has(&self, kind: &str, of_name: &str) -> bool {
        self.of_kind(kind).any(|object| name(object) == of_name)
    }

    pub(super) fn pods(&self) -> Vec<Pod> {
        let pod = |owner: &Value, template: &Value| Pod {
            owner: name(owner).to_owned(),
            template: template.clone(),
        };
        let owners = self.of_kind("Deployment").chain(self.of_kind("Job"));
        let made = owners.filter_map(|owner| Some(pod(owner, owner.pointer("/spec/template")?)));
        made.chain(self.of_kind("Pod").map(|itself| pod(itself, itself))).collect()
    }
}

impl Pod {
    pub(super) fn labels(&self) -> Option<&Map<String, Value>> {
        labels(&self.template)
    }

    /// Names and numbers of the ports of its containers.
    pub(super) fn ports(&self) -> Vec<(&str, u64)> {
        self.containers()
            .filter_map(|container| container.get("ports")?.as_array())
            .flatten()
            .filter_map(|port| Some((port.get("name")?.as_str()?, port.get("containerPort")?.as_u64()?)))
            .collect()
    }

    /// Whether it is there long enough to be scraped.
    pub(super) fn has_metrics(&self) -> bool {
        self.ports().iter().any(|(name, _)| *name == "admin")
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &Value> {
        self.template.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten()
    }

    /// Whether admission takes it in the namespace.
    pub(super) fn is_admitted(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let mut pod = self.template.clone();
        let object = pod.as_object_mut().context("a template that is no object")?;
        object.insert("apiVersion".into(), json!("v1"));
        object.insert("kind".into(), json!("Pod"));
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("name".into(), json!("a-pod"));
        }
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            // Its own is not made yet.
            spec.insert("serviceAccountName".into(), json!("default"));
            spec.remove("serviceAccount");
        }
        cluster
            .kubectl(
                As::Admin,
                &["create", "--namespace=inference", "--dry-run=server", "--filename=-"],
                &pod.to_string(),
            )
            .map(drop)
    }
}

fn kind(object: &Value) -> Option<&str> {
    object.get("kind").and_then(Value::as_str)
}

pub(super) fn name(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.pointer("/metadata/labels")?.as_object()
}

/// Whether the labels have all that a selector of equalities asks for. One that is empty or missing selects nothing: here it
/// would be a mistake.
pub(super) fn selects(selector: Option<&Value>, labels: Option<&Map<String, Value>>) -> bool {
    let (Some(selector), Some(labels)) = (selector.and_then(Value::as_object), labels) else { return false };
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::all_of_it(json!({"a": "1"}), json!({"a": "1", "b": "2"}), true)]
    #[case::another_value(json!({"a": "2"}), json!({"a": "1"}), false)]
    #[case::one_is_missing(json!({"a": "1", "b": "2"}), json!({"a": "1"}), false)]
    #[case::everything_is_a_mistake(json!({}), json!({"a": "1"}), false)]
    fn a_selector_takes_what_has_all_its_labels(
        #[case] selector: Value,
        #[case] labels: Value,
        #[case] expected: bool,
    ) {
        assert_eq!(selects(Some(&selector), labels.as_object()), expected);
    }
}
