//! The document at `/openapi.json` says what the service does: schemathesis, which knows nothing else of it, sends
//! what the document allows and what it forbids, and finds no difference.

use xshell::cmd;

use super::E2e;
use crate::artifact;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::workspace::Workspace;

/// What it can't know from the document.
const CONFIG: &str = "services/inference/tests/clients/schemathesis.toml";

/// Cases for each operation and phase: enough for every keyword of the schema, few enough for a minute.
const MAX_EXAMPLES: &str = "100";

/// Any number; always the same, so that a failure is the same on the next run.
const SEED: &str = "37";

/// `cargo xtask e2e schemathesis`
pub(crate) const TEST: E2e = E2e {
    name: "schemathesis",
    summary: "schemathesis finds no difference between /openapi.json and what the service does",
    needs: &["python"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let service = Service::start(&artifact::service(workspace)?, &[])?;
    let program = workspace.path(".tools/python/bin/schemathesis");
    let config = workspace.path(CONFIG);
    let document = service.api("/openapi.json");
    let authorization = format!("Authorization: Bearer {}", service.ready().token);
    // Its reports would be left in the checkout.
    let folder = tempfile::tempdir()?;
    let shell = workspace.shell()?;
    shell.change_dir(folder.path());
    cmd!(
        shell,
        "{program} --config-file {config} run {document} --header {authorization} --checks all --mode all"
    )
    .args(["--phases", "examples,coverage,fuzzing"])
    .args(["--max-examples", MAX_EXAMPLES, "--seed", SEED])
    .args(["--generation-deterministic", "--continue-on-failure", "--request-timeout", "10"])
    .quiet()
    .run()?;
    service.stop()?;
    Ok(Outcome::Passed)
}
