//! A second plan is empty, apart from fields that the emulator forgets, each with its cause.
//!
//! Must never excuse a field that is not forgotten any more, nor one that nobody wrote down.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::estate::Terraform;

/// A field that the emulator does not give back.
#[derive(Debug)]
pub(super) struct Forgotten {
    pub(super) resource_type: &'static str,
    pub(super) field: &'static str,
    pub(super) cause: &'static str,
}

const fn forgotten(resource_type: &'static str, field: &'static str, cause: &'static str) -> Forgotten {
    Forgotten { resource_type, field, cause }
}

const FLOW_LOGS: &str = "MiniStack's DescribeFlowLogs has no such field";

/// All of them. What would stop the test is set right in infra/tests/emulator.py instead.
pub(super) const FORGOTTEN: &[Forgotten] = &[
    forgotten("aws_flow_log", "iam_role_arn", FLOW_LOGS),
    forgotten("aws_flow_log", "max_aggregation_interval", FLOW_LOGS),
    forgotten(
        "aws_flow_log",
        "tags",
        "MiniStack looks for them under `flow-log`, AWS's name is `vpc-flow-log`",
    ),
    forgotten("aws_flow_log", "tags_all", "as `tags`"),
    forgotten(
        "aws_autoscaling_group",
        "max_instance_lifetime",
        "MiniStack's DescribeAutoScalingGroups has no such field",
    ),
];

#[derive(Debug, Deserialize)]
struct Plan {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
}

#[derive(Debug, Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(rename = "type")]
    resource_type: String,
    change: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    actions: Vec<String>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
    after_unknown: Value,
}

/// Plans again, and fails when anything but the forgotten fields would change.
pub(super) fn is_empty(root: &Terraform, settings: &[&str], forgotten: &[Forgotten]) -> anyhow::Result<()> {
    root.run("plan -no-color -out=second.plan", settings)?;
    let plan =
        serde_json::from_str(&root.run("show -json second.plan", &[])?).context("terraform shows no plan")?;
    judge(&plan, forgotten)
}

fn judge(plan: &Plan, forgotten: &[Forgotten]) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for ResourceChange { address, resource_type, change } in &plan.resource_changes {
        if change.actions.iter().all(|action| action == "no-op" || action == "read") {
            continue;
        }
        let fields = change.fields();
        for field in &fields {
            seen.insert((resource_type.as_str(), *field));
        }
        let excused = |field: &&str| {
            forgotten.iter().any(|one| one.resource_type == resource_type && one.field == *field)
        };
        if fields.is_empty() || !fields.iter().all(excused) {
            wrong.push(format!("{address}: {} {fields:?}", change.actions.join(" and ")));
        }
    }
    ensure!(wrong.is_empty(), "a second plan would change what nobody changed:\n{}", wrong.join("\n"));
    let remembered = forgotten.iter().find(|one| !seen.contains(&(one.resource_type, one.field)));
    if let Some(Forgotten { resource_type, field, .. }) = remembered {
        anyhow::bail!("the emulator no longer forgets {field} of {resource_type}; take it out of FORGOTTEN");
    }
    Ok(())
}

impl Change {
    /// Fields whose value would be another one, where it is known; what only follows from them is not.
    fn fields(&self) -> Vec<&str> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let unknown = |field: &str| self.after_unknown.get(field).is_some_and(holds_true);
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
        let same = |name: &str| written(before.get(name)) == written(after.get(name));
        names.into_iter().filter(|name| !same(name) && !unknown(name)).collect()
    }
}

/// The value, unless nothing is written there: to the provider an empty text is none.
fn written(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Whether anything in it is `true`: not known before the apply.
fn holds_true(value: &Value) -> bool {
    match value {
        Value::Bool(unknown) => *unknown,
        Value::Array(items) => items.iter().any(holds_true),
        Value::Object(fields) => fields.values().any(holds_true),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ONE: &[Forgotten] = &[forgotten("aws_flow_log", "tags", "it is a test")];

    fn plan(actions: &[&str], before: Value, after: Value, unknown: Value) -> Plan {
        let change =
            json!({ "actions": actions, "before": before, "after": after, "after_unknown": unknown });
        let resource = json!({ "address": "aws_flow_log.this", "type": "aws_flow_log", "change": change });
        serde_json::from_value(json!({ "resource_changes": [resource] })).unwrap()
    }

    #[test]
    fn a_forgotten_field_is_excused_with_all_that_follows_from_it() {
        let before = json!({ "tags": {}, "id": "fl-1", "kept": 1, "nothing": "" });
        let after = json!({ "tags": { "Name": "x" }, "kept": 1, "nothing": null });
        judge(&plan(&["delete", "create"], before, after, json!({ "id": true })), ONE).unwrap();
    }

    #[rstest]
    #[case::another_field(&["update"], json!({ "tags": 1, "other": 1 }), json!({ "tags": 2, "other": 2 }))]
    #[case::a_resource_that_is_gone(&["create"], json!(null), json!({ "tags": 1 }))]
    #[case::a_resource_too_many(&["delete"], json!({ "tags": 1 }), json!(null))]
    fn everything_else_fails_and_says_where(
        #[case] actions: &[&str],
        #[case] before: Value,
        #[case] after: Value,
    ) {
        let error = judge(&plan(actions, before, after, json!({})), ONE).unwrap_err().to_string();
        assert!(error.contains("aws_flow_log.this: "), "{error}");
    }

    #[test]
    fn a_field_that_is_remembered_again_is_no_longer_excused() {
        let error = judge(&plan(&["no-op"], json!({}), json!({}), json!({})), ONE).unwrap_err().to_string();
        assert_eq!(error, "the emulator no longer forgets tags of aws_flow_log; take it out of FORGOTTEN");
        judge(&plan(&["no-op"], json!({}), json!({}), json!({})), &[]).unwrap();
    }
}
