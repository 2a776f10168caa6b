//! `cargo xtask plan` and `cargo xtask apply`: the cloud of an environment, as workflows plan and apply them.
//!
//! A plan takes no lock and writes nothing (ADR 20). Must never apply what it was not asked to: the environment is
//! named, and each environment has its own state.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use super::comment;
use crate::workspace::Workspace;

/// Of which environment, and where states are.
#[derive(Debug, Args)]
pub(crate) struct Estate {
    /// The environment: a folder of infra/terraform/cloud/environments
    #[arg(long, value_name = "NAME")]
    environment: String,
    /// Bucket of the states: output `state_bucket` of terraform/bootstrap
    #[arg(long, env, value_name = "NAME")]
    state_bucket: String,
    /// Key of the states: output `state_key_arn`
    #[arg(long, env, value_name = "ARN")]
    state_key_arn: String,
    /// The most that the cloud's roles can do: output `permissions_boundary_arn`
    #[arg(long, env, value_name = "ARN")]
    permissions_boundary_arn: String,
    /// Region of states and environment
    #[arg(long, env, value_name = "REGION")]
    aws_region: String,
}

/// What to plan, and what to do with the plan.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    estate: Estate,
    /// Add the plan to this file, in Markdown, as a pull request's comment shows it
    #[arg(long, value_name = "FILE")]
    comment: Option<PathBuf>,
    /// Fail when the cloud is not as it is written
    #[arg(long)]
    must_be_empty: bool,
}

/// What to apply.
#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    #[command(flatten)]
    estate: Estate,
}

/// # Errors
/// When it could not be made, and when it is not empty and should be.
pub(crate) fn plan(workspace: &Workspace, options: &PlanOptions) -> anyhow::Result<()> {
    let PlanOptions { estate, comment, must_be_empty } = options;
    let shell = estate.init(workspace)?;
    let settings = estate.settings();
    let plan =
        cmd!(shell, "terraform plan -no-color -input=false -lock=false -detailed-exitcode {settings...}");
    let output = plan.ignore_status().output()?;
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{told}");
    if let Some(file) = comment {
        let text = comment::of_plan(&estate.environment, &told);
        let before = if file.exists() { std::fs::read_to_string(file)? } else { String::new() };
        std::fs::write(file, before + &text).with_context(|| file.display().to_string())?;
    }
    // `-detailed-exitcode`: 0 nothing to do, 2 something.
    match output.status.code() {
        Some(0) => Ok(()),
        Some(2) if *must_be_empty => {
            bail!("the cloud of {} is not what is written here; the plan says where", estate.environment)
        }
        Some(2) => Ok(()),
        _ => bail!("terraform could not plan {}: {}", estate.environment, output.status),
    }
}

/// Makes the cloud of the environment what is written.
pub(crate) fn apply(workspace: &Workspace, options: &ApplyOptions) -> anyhow::Result<()> {
    let shell = options.estate.init(workspace)?;
    let settings = options.estate.settings();
    // Another apply may hold the lock: a job that was approved a moment earlier.
    cmd!(shell, "terraform apply -no-color -input=false -auto-approve -lock-timeout=5m {settings...}")
        .run()?;
    Ok(())
}

const ROOT: &str = "infra/terraform/cloud";

impl Estate {
    /// A shell in the root, which knows its state.
    fn init(&self, workspace: &Workspace) -> anyhow::Result<Shell> {
        let Self { environment, state_bucket, state_key_arn, aws_region, .. } = self;
        let values = format!("{ROOT}/environments/{environment}/values.tfvars");
        ensure!(
            !environment.contains(['/', '.']) && workspace.path(&values).is_file(),
            "there is no environment `{environment}`: {values} is not there"
        );
        let shell = workspace.shell()?;
        shell.change_dir(ROOT);
        let backend = [
            format!("environments/{environment}/backend.hcl"),
            format!("bucket={state_bucket}"),
            format!("kms_key_id={state_key_arn}"),
            format!("region={aws_region}"),
        ]
        .map(|setting| format!("-backend-config={setting}"));
        // Anew: another environment's state may be what this checkout looked at last.
        cmd!(shell, "terraform init -no-color -input=false -lockfile=readonly -reconfigure {backend...}")
            .ignore_stdout()
            .run()?;
        Ok(shell)
    }

    fn settings(&self) -> [String; 2] {
        let Self { environment, permissions_boundary_arn, .. } = self;
        [
            format!("-var-file=environments/{environment}/values.tfvars"),
            format!("-var=permissions_boundary_arn={permissions_boundary_arn}"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::super::fixture::Checkout;
    use super::*;

    const INIT: &str = "terraform init -no-color -input=false -lockfile=readonly -reconfigure \
                        -backend-config=environments/staging/backend.hcl -backend-config=bucket=states \
                        -backend-config=kms_key_id=key -backend-config=region=us-east-1";
    const SETTINGS: &str =
        "-var-file=environments/staging/values.tfvars -var=permissions_boundary_arn=boundary";

    /// A checkout with one environment, in which `terraform plan` ends with this code.
    fn checkout(code: u8) -> Checkout {
        let checkout = Checkout::default();
        let folder = checkout.path(&format!("{ROOT}/environments/staging"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("values.tfvars"), "").unwrap();
        checkout.program("terraform", &format!("case $1 in plan) echo 'Plan: 1 to add'; exit {code};; esac"));
        checkout
    }

    fn estate(environment: &str) -> Estate {
        Estate {
            environment: environment.to_owned(),
            state_bucket: "states".to_owned(),
            state_key_arn: "key".to_owned(),
            permissions_boundary_arn: "boundary".to_owned(),
            aws_region: "us-east-1".to_owned(),
        }
    }

    #[rstest]
    #[case::nothing_to_do(0, false, true)]
    #[case::something(2, false, true)]
    #[case::an_error(1, false, false)]
    #[case::as_written(0, true, true)]
    #[case::drift(2, true, false)]
    #[case::an_error_is_no_empty_plan(1, true, false)]
    fn a_plan_is_well_when_it_could_be_made_and_is_as_asked(
        #[case] code: u8,
        #[case] must_be_empty: bool,
        #[case] is_well: bool,
    ) {
        let checkout = checkout(code);
        let comment = Some(checkout.path("comment.md"));
        let options = PlanOptions { estate: estate("staging"), comment, must_be_empty };
        assert_eq!(plan(&checkout.workspace(), &options).is_ok(), is_well);
        // Told in the comment however it went.
        assert!(fs::read_to_string(checkout.path("comment.md")).unwrap().contains("\nPlan: 1 to add\n"));
        let planned =
            format!("terraform plan -no-color -input=false -lock=false -detailed-exitcode {SETTINGS}");
        assert_eq!(checkout.called(), [INIT.to_owned(), planned]);
    }

    #[test]
    fn plans_of_two_environments_stand_in_one_comment() {
        let checkout = checkout(2);
        let comment = Some(checkout.path("comment.md"));
        let options = PlanOptions { estate: estate("staging"), comment, must_be_empty: false };
        plan(&checkout.workspace(), &options).unwrap();
        plan(&checkout.workspace(), &options).unwrap();
        let text = fs::read_to_string(checkout.path("comment.md")).unwrap();
        assert_eq!(text.matches("### Terraform: staging").count(), 2);
    }

    #[test]
    fn an_apply_waits_for_the_lock_and_has_the_environments_values() {
        let checkout = checkout(0);
        apply(&checkout.workspace(), &ApplyOptions { estate: estate("staging") }).unwrap();
        let applied =
            format!("terraform apply -no-color -input=false -auto-approve -lock-timeout=5m {SETTINGS}");
        assert_eq!(checkout.called(), [INIT.to_owned(), applied]);
    }

    #[rstest]
    #[case::unknown("test")]
    #[case::a_path("../environments/staging")]
    fn an_environment_that_is_not_there_is_refused_before_terraform_runs(#[case] name: &str) {
        let checkout = checkout(0);
        let error =
            apply(&checkout.workspace(), &ApplyOptions { estate: estate(name) }).unwrap_err().to_string();
        assert!(error.starts_with(&format!("there is no environment `{name}`")), "{error}");
        assert!(checkout.called().is_empty());
    }
}
