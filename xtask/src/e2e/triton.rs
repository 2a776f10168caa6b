//! A client of the Open Inference Protocol that we did not write: Triton's own, from PyPI, unchanged.

use xshell::cmd;

use super::E2e;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::workspace::Workspace;
use crate::{artifact, golden};

/// The script that drives the client.
const CLIENT: &str = "services/inference/tests/clients/triton.py";

/// `cargo xtask e2e triton`
pub(crate) const TEST: E2e = E2e {
    name: "triton",
    summary: "tritonclient[http] works unchanged: health, metadata, inference of all golden rows, errors, refusal",
    needs: &["python"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let service = Service::start(&artifact::service(workspace)?, &[])?;
    let python = workspace.python();
    let client = workspace.path(CLIENT);
    let golden = workspace.path(golden::FILE);
    let address = service.ready().api.to_string();
    let token = &service.ready().token;
    let shell = workspace.shell()?;
    cmd!(shell, "{python} -B {client} --address {address} --golden {golden}")
        .env("TOKEN", token)
        .quiet()
        .run()?;
    service.stop()?;
    Ok(Outcome::Passed)
}
