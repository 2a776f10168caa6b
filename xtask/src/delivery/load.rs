//! What sends load through the front door while a canary is watched, and what it is told: the door of the environment, and
//! a token for it, in the load test's own variables.
//!
//! Must never put the token where others read it, and never outlive the watch.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tempfile::NamedTempFile;
use xshell::cmd;

use crate::workspace::Workspace;

/// A front door, and a file with the token, which is gone with it.
#[derive(Debug)]
pub(super) struct FrontDoor {
    url: String,
    token: NamedTempFile,
}

/// What is read of an environment's values of the chart: the door that the prober asks.
#[derive(Debug, Deserialize)]
struct Values {
    prober: Prober,
}

#[derive(Debug, Deserialize)]
struct Prober {
    target: String,
}

impl FrontDoor {
    /// That of an environment of the cloud.
    ///
    /// # Errors
    /// When its values name no door, or its secret has no token yet.
    pub(super) fn of(workspace: &Workspace, environment: &str, region: &str) -> anyhow::Result<Self> {
        let values = format!("infra/terraform/cloud/environments/{environment}/inference.yaml");
        let text = std::fs::read_to_string(workspace.path(&values)).with_context(|| values.clone())?;
        let Values { prober: Prober { target: url } } = serde_saphyr::from_str(&text)
            .with_context(|| format!("{values}: the front door, prober.target"))?;
        let secret = format!("puntual-{environment}/inference/load-token");
        let content = ["--query", "SecretString", "--output", "text"];
        let shell = workspace.shell()?;
        let token = cmd!(
            shell,
            "aws secretsmanager get-secret-value --region {region} --secret-id {secret} {content...}"
        )
        .quiet()
        .read()
        .with_context(|| format!("{secret} has no token (infra/README.md, Content of the secrets)"))?;
        let mut file = NamedTempFile::new()?;
        file.write_all(token.as_bytes())?;
        Ok(Self { url, token: file })
    }
}

/// The command at work; ended with its owner.
#[derive(Debug)]
pub(super) struct Load(Option<Child>);

impl Load {
    /// Without a command there is none.
    pub(super) fn start(line: &[String], door: Option<&FrontDoor>) -> anyhow::Result<Self> {
        let Some((program, args)) = line.split_first() else { return Ok(Self(None)) };
        let mut command = Command::new(program);
        if let Some(FrontDoor { url, token }) = door {
            command.env("LOADTEST_TARGET", url).env("LOADTEST_TOKEN_FILE", token.path());
        }
        let child = command.args(args).stdin(Stdio::null()).spawn();
        Ok(Self(Some(child.with_context(|| format!("cannot start the load: {program}"))?)))
    }

    /// It may have sent all that it had to, but not have failed.
    pub(super) fn is_well(&mut self) -> anyhow::Result<()> {
        let ended = self.0.as_mut().map(Child::try_wait).transpose()?.flatten();
        ensure!(
            ended.is_none_or(|status| status.success()),
            "the load ended with {}",
            ended.unwrap_or_default()
        );
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // Already gone is what one wishes here.
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fixture::Checkout;
    use super::*;

    fn ended(line: &[&str], door: Option<&FrontDoor>) -> anyhow::Result<()> {
        let line: Vec<_> = line.iter().map(|&word| word.to_owned()).collect();
        let mut load = Load::start(&line, door).unwrap();
        load.0.as_mut().unwrap().wait().unwrap();
        load.is_well()
    }

    /// A checkout with one environment, whose values are these, in an AWS that knows one token.
    fn checkout(values: &str) -> Checkout {
        let checkout = Checkout::default();
        let folder = checkout.path("infra/terraform/cloud/environments/staging");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("inference.yaml"), values).unwrap();
        checkout.program(
            "aws",
            "case \"$*\" in *puntual-staging/inference/load-token*) echo secret;; *) exit 1;; esac",
        );
        checkout
    }

    #[test]
    fn load_that_ends_well_may_and_load_that_fails_is_told() {
        assert!(ended(&["true"], None).is_ok());
        assert_eq!(ended(&["false"], None).unwrap_err().to_string(), "the load ended with exit status: 1");
        assert!(Load::start(&["no-such-program".to_owned()], None).is_err());
        assert!(Load::start(&[], None).unwrap().is_well().is_ok());
    }

    #[test]
    fn the_load_of_an_environment_is_told_its_door_and_the_token_in_no_command_line() {
        let checkout = checkout("prober:\n  target: https://staging.flights.example\n");
        let door = FrontDoor::of(&checkout.workspace(), "staging", "us-east-1").unwrap();
        let asks = r#"[ "$LOADTEST_TARGET $(cat "$LOADTEST_TOKEN_FILE")" = "https://staging.flights.example secret" ]"#;
        ended(&["sh", "-c", asks], Some(&door)).unwrap();
        let token = door.token.path().to_owned();
        drop(door);
        assert!(!token.exists(), "the token is left");
    }

    #[test]
    fn an_environment_without_a_door_is_told() {
        let checkout = checkout("identity: {}\n");
        let error = FrontDoor::of(&checkout.workspace(), "staging", "us-east-1").unwrap_err().to_string();
        assert!(error.ends_with("inference.yaml: the front door, prober.target"), "{error}");
    }
}
