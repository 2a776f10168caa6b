//! A new model under traffic: a good one takes over between two requests, a bad one changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use super::E2e;
use super::traffic::Traffic;
use crate::golden;
use crate::keep_alive;
use crate::outcome::Outcome;
use crate::service::{Ready, Service};
use crate::workspace::Workspace;
use crate::{artifact, metrics_page, process, wait};

const MODEL: &str = "services/inference/model/flights.onnx";

/// A model loads in milliseconds; a busy machine gets the rest.
const RELOAD_LIMIT: Duration = Duration::from_secs(20);

/// `cargo xtask e2e reload`
pub(crate) const TEST: E2e = E2e {
    name: "reload",
    summary: "a changed model file or SIGHUP swaps the model under traffic; a bad one is refused, the old goes on",
    needs: &[],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    let golden = golden::load(workspace)?;
    let files = Files::copy(workspace)?;
    let model = process::text(&files.model)?;

    let service = Service::start(&binary, &["--model", model, "--model-poll", "50ms"])?;
    Traffic::new(&service, &golden, service.ready().token.clone()).during(|| {
        let first = served(service.ready())?;
        files.write_another_model("of the poll")?;
        let second = swapped(service.ready(), &first)?;
        files.write_model(b"no model")?;
        refused(service.ready(), 1)?;
        files.spoil_golden()?;
        refused(service.ready(), 2)?;
        files.write_another_model("that fails its golden answers")?;
        refused(service.ready(), 3)?;
        ensure!(served(service.ready())? == second, "a refused model took over");
        Ok(())
    })?;
    let log = service.stop()?.stderr;
    ensure!(log.contains("WARN") || log.contains("ERROR"), "no log line about the refused models:\n{log}");

    // Nobody looks at the file; the signal does it.
    let files = Files::copy(workspace)?;
    let model = process::text(&files.model)?;
    let service = Service::start(&binary, &["--model", model, "--model-poll", "1h"])?;
    Traffic::new(&service, &golden, service.ready().token.clone()).during(|| {
        let first = served(service.ready())?;
        files.write_another_model("of the signal")?;
        service.signal(Signal::HUP)?;
        swapped(service.ready(), &first)?;
        Ok(())
    })?;
    service.stop()?;
    Ok(Outcome::Passed)
}

/// The model and its golden answers, in a folder of their own.
#[derive(Debug)]
pub(super) struct Files {
    _folder: TempDir,
    original: Vec<u8>,
    model: PathBuf,
    golden: PathBuf,
}

impl Files {
    pub(super) fn copy(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let model = folder.path().join("flights.onnx");
        let golden = folder.path().join("golden.json");
        let original = std::fs::read(workspace.path(MODEL)).context(MODEL)?;
        std::fs::write(&model, &original)?;
        std::fs::copy(workspace.path(golden::FILE), &golden).context(golden::FILE)?;
        Ok(Self { _folder: folder, original, model, golden })
    }

    /// The model.
    pub(super) fn path(&self) -> &Path {
        &self.model
    }

    fn write_model(&self, content: &[u8]) -> anyhow::Result<()> {
        replace(&self.model, content)
    }

    /// The same model with another note in it, hence with another hash. A protobuf message goes on where it ends: this
    /// adds field 6, `doc_string`.
    pub(super) fn write_another_model(&self, note: &str) -> anyhow::Result<()> {
        let length = u8::try_from(note.len())?;
        self.write_model(&[&self.original, &[6 << 3 | 2, length][..], note.as_bytes()].concat())
    }

    /// Claims that one row is of the other class.
    fn spoil_golden(&self) -> anyhow::Result<()> {
        let content = std::fs::read_to_string(&self.golden)?;
        let spoilt = content.replacen("\"class\":1", "\"class\":0", 1);
        ensure!(spoilt != content, "golden.json has no row of class 1, written as expected");
        replace(&self.golden, spoilt.as_bytes())
    }
}

/// Whole or not at all, as a deployment does it.
fn replace(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let next = file.with_extension("next");
    std::fs::write(&next, content)?;
    Ok(std::fs::rename(&next, file)?)
}

/// The hash of the model that answers, as the metrics say.
pub(super) fn served(ready: &Ready) -> anyhow::Result<String> {
    let page = keep_alive::get(ready.admin, "/metrics")?.body;
    let current = page.lines().find(|line| line.starts_with("inference_model_info{") && line.ends_with(" 1"));
    current
        .and_then(|line| line.split_once("sha256=\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(hash, _)| hash.to_owned())
        .with_context(|| format!("no inference_model_info of value 1:\n{page}"))
}

pub(super) fn swapped(ready: &Ready, from: &str) -> anyhow::Result<String> {
    wait::until("the new model", RELOAD_LIMIT, || Ok(Some(served(ready)?).filter(|hash| hash != from)))
}

/// Waits until so many reloads were refused; each change of a file is one.
fn refused(ready: &Ready, times: u32) -> anyhow::Result<()> {
    let refused = r#"inference_model_reloads_total{outcome="refused"}"#;
    wait::until("the model to be refused", RELOAD_LIMIT, || {
        Ok((metrics_page::value(ready.admin, refused)? == f64::from(times)).then_some(()))
    })
}
