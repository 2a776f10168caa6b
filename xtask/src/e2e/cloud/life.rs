//! The life of an environment, from an empty account to an empty account: the commands of infra/README.md, in their
//! order.

use std::fs;
use std::time::Instant;

use anyhow::ensure;

use super::emulator::Emulator;
use super::estate::{Estate, Terraform};
use super::interruption::{self, Interrupted};
use super::progress::{self, APPLY, Changes, DESTROY};
use super::second_plan::{self, FORGOTTEN};
use crate::e2e::shown::Line;
use crate::workspace::Workspace;

const BOOTSTRAP: [&str; 2] = ["-var=github_repository=puntual/puntual", "-var=state_may_be_destroyed=true"];

/// Makes it, asks it, and takes it down; says what was seen.
pub(super) fn live(workspace: &Workspace, estate: &Estate) -> anyhow::Result<Vec<Line>> {
    let emulator = Emulator::start(workspace)?;
    let mut lines = Vec::new();

    let begun = Instant::now();
    let bootstrap = estate.root("bootstrap", &emulator.endpoint())?;
    let Changes { add: states, .. } = make_states(&bootstrap)?;
    lines.push(Line::new(
        "`bootstrap` applied, planned again (empty), its state moved into its own bucket",
        format!("{states} resources"),
        begun,
    ));

    let begun = Instant::now();
    let cloud = estate.root("cloud", &emulator.endpoint())?;
    let backend = Backend::of(&bootstrap)?;
    let boundary = format!("-var=permissions_boundary_arn={}", bootstrap.output("permissions_boundary_arn")?);
    let settings = ["-var-file=environments/staging/values.tfvars", &boundary];
    cloud.run("init -no-color -backend-config=environments/staging/backend.hcl", &backend.args())?;
    let Interrupted { made, completed } = interruption::run(&cloud, &settings)?;
    let resources = managed(&cloud)?;
    lines.push(Line::new(
        "`cloud` applied twice at once: the second refused by the lock, nothing made by it; the first cut off by \
         SIGINT on its way; a third apply completed it",
        format!("{resources} resources"),
        begun,
    ));
    ensure!(
        made < resources && completed.add > 0,
        "{made} of {resources} were there before the cut: {completed:?}"
    );

    let begun = Instant::now();
    let back = emulator.asserts(workspace, estate, &["test_states_come_back.py"])?;
    lines.push(Line::new(
        "the state of `cloud` overwritten and put back, removed and put back",
        format!("{back} assertions passed"),
        begun,
    ));

    let begun = Instant::now();
    second_plan::is_empty(&cloud, &settings, FORGOTTEN)?;
    lines.push(Line::new(
        "`cloud` planned again: empty but for what the emulator forgets",
        format!("{} fields, below", FORGOTTEN.len()),
        begun,
    ));

    let begun = Instant::now();
    let asserted = emulator.asserts(workspace, estate, &["test_estate.py", "test_trust.py"])?;
    lines.push(Line::new("asked of AWS's API", format!("{asserted} assertions passed"), begun));

    let begun = Instant::now();
    let gone = progress::changes(&cloud.run(DESTROY, &settings)?)?;
    ensure!(gone.remove == resources, "{} of {resources} destroyed", gone.remove);
    let states_gone = remove_states(&bootstrap)?;
    ensure!(states_gone.remove == states, "{} of {states} destroyed", states_gone.remove);
    let left = emulator.asserts(workspace, estate, &["test_nothing_is_left.py"])?;
    lines.push(Line::new(
        "both destroyed, and looked for what is left: keys on their way out, nothing else",
        format!("{} resources, {left} assertions passed", gone.remove + states_gone.remove),
        begun,
    ));
    Ok(lines)
}

/// Makes the states' bucket with a state beside it, then moves that state in.
fn make_states(bootstrap: &Terraform) -> anyhow::Result<Changes> {
    local(bootstrap)?;
    bootstrap.run("init -no-color -lockfile=readonly", &[])?;
    let made = progress::changes(&bootstrap.run(APPLY, &BOOTSTRAP)?)?;
    second_plan::is_empty(bootstrap, &BOOTSTRAP, &[])?;
    let backend = Backend::of(bootstrap)?;
    fs::remove_file(bootstrap.file(OVERRIDE))?;
    bootstrap.run("init -no-color -migrate-state -force-copy", &backend.args())?;
    Ok(made)
}

/// Takes the state out of its bucket, which goes with the rest.
fn remove_states(bootstrap: &Terraform) -> anyhow::Result<Changes> {
    local(bootstrap)?;
    bootstrap.run("init -no-color -migrate-state -force-copy", &[])?;
    progress::changes(&bootstrap.run(DESTROY, &BOOTSTRAP)?)
}

const OVERRIDE: &str = "backend_override.tf";

fn local(bootstrap: &Terraform) -> anyhow::Result<()> {
    fs::copy(bootstrap.file("first_apply.tf.example"), bootstrap.file(OVERRIDE))?;
    Ok(())
}

/// How many resources a state holds, without what is only looked at.
fn managed(root: &Terraform) -> anyhow::Result<usize> {
    let told = root.run("state list", &[])?;
    Ok(told.lines().filter(|address| !address.split('.').any(|part| part == "data")).count())
}

/// Where states are, as every root is told.
#[derive(Debug)]
struct Backend {
    bucket: String,
    key: String,
}

impl Backend {
    fn of(bootstrap: &Terraform) -> anyhow::Result<Self> {
        Ok(Self {
            bucket: format!("-backend-config=bucket={}", bootstrap.output("state_bucket")?),
            key: format!("-backend-config=kms_key_id={}", bootstrap.output("state_key_arn")?),
        })
    }

    fn args(&self) -> [&str; 4] {
        let path_style = "-backend-config=use_path_style=true";
        [&self.bucket, &self.key, "-backend-config=region=us-east-1", path_style]
    }
}
