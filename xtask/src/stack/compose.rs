//! The command lines of `observability/compose.yaml`, so that a flag of Prometheus or Alertmanager stands in one place.
//!
//! Must never start a container.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use crate::workspace::Workspace;

/// From the root.
pub(crate) const FILE: &str = "observability/compose.yaml";

#[derive(Debug, Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

/// What a service is started with, some of it said anew: each of `instead` is a flag and its value here.
///
/// # Errors
/// When the file has no such service, or it has no such flag: what is replaced has to be there.
pub(super) fn command(
    workspace: &Workspace,
    service: &str,
    instead: &[(&str, String)],
) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(workspace.path(FILE)).context(FILE)?;
    replaced(&text, service, instead)
}

/// The variables that a service is started with.
pub(super) fn environment(workspace: &Workspace, service: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(workspace.path(FILE)).context(FILE)?;
    Ok(find(serde_saphyr::from_str(&text).context(FILE)?, service)?.environment)
}

fn find(mut compose: Compose, service: &str) -> anyhow::Result<Service> {
    compose.services.remove(service).with_context(|| format!("{FILE} has no service called {service}"))
}

fn replaced(text: &str, service: &str, instead: &[(&str, String)]) -> anyhow::Result<Vec<String>> {
    let mut command = find(serde_saphyr::from_str(text).context(FILE)?, service)?.command;
    for (flag, value) in instead {
        let written = format!("{flag}=");
        let argument = command
            .iter_mut()
            .find(|argument| argument.starts_with(&written))
            .with_context(|| format!("{FILE}: {service} is not started with {written}…"))?;
        *argument = written + value.as_str();
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "services:\n  one:\n    image: x\n    command:\n      - --a=1\n      - --b\n  two: {}\n";

    #[test]
    fn a_flag_is_said_anew_and_the_others_stay() {
        assert_eq!(replaced(TEXT, "one", &[("--a", "2".to_owned())]).unwrap(), ["--a=2", "--b"]);
    }

    #[test]
    fn what_is_replaced_has_to_be_there() {
        let error = replaced(TEXT, "one", &[("--c", "2".to_owned())]).unwrap_err().to_string();
        assert_eq!(error, "observability/compose.yaml: one is not started with --c=…");
        assert!(replaced(TEXT, "three", &[]).is_err());
    }

    #[test]
    fn the_samples_are_kept_as_long_as_the_objectives_say() {
        let workspace = Workspace::locate(false).unwrap();
        let definitions = std::fs::read_to_string(workspace.path("slo/definitions/inference.yaml")).unwrap();
        let definitions: serde_json::Value = serde_saphyr::from_str(&definitions).unwrap();
        let retention = definitions["prometheus"]["retention"].as_str().unwrap();
        let command = command(&workspace, "prometheus", &[]).unwrap();
        assert!(command.contains(&format!("--storage.tsdb.retention.time={retention}")), "{command:?}");
    }

    #[test]
    fn everything_is_published_on_loopback_only() {
        let text = std::fs::read_to_string(Workspace::locate(false).unwrap().path(FILE)).unwrap();
        let compose: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let ports = compose["services"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(|service| service["ports"].as_array());
        for port in ports.flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{port}");
        }
    }
}
