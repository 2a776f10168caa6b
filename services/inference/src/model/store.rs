//! Holds the model that answers now and swaps the next one in, whole or not at all. Owns the model's files; knows
//! nothing about requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use tokio::signal::unix::{SignalKind, signal};

use super::{Classifier, GoldenAnswers, ModelError};
use crate::config::some_time;
use crate::telemetry::events;

const EMBEDDED_MODEL: &[u8] = include_bytes!("../../model/flights.onnx");
const EMBEDDED_GOLDEN: &[u8] = include_bytes!("../../model/golden.json");

/// Where the model comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelConfig {
    /// ONNX file to serve; without it the model in the binary is served
    #[arg(long, env = "INFERENCE_MODEL", value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Golden answers that the model must reproduce; without it `golden.json` beside the model
    #[arg(long, env = "INFERENCE_GOLDEN", value_name = "FILE", requires = "model")]
    pub golden: Option<PathBuf>,
    /// How often the model's files are looked at for a change
    #[arg(long, env = "INFERENCE_MODEL_POLL", value_name = "DURATION", default_value = "2s",
          value_parser = some_time)]
    pub model_poll: Duration,
}

impl ModelConfig {
    /// The model in the binary, which never changes.
    pub const EMBEDDED: Self = Self { model: None, golden: None, model_poll: Duration::MAX };
}

/// What a reload came to.
#[derive(Debug)]
pub enum Reload {
    /// The new model answers from now on.
    Swapped,
    /// The files hold the model that answers already, or it is the one in the binary.
    Unchanged,
}

/// The model that answers now. Cloning gives another handle to the same store.
#[derive(Debug, Clone)]
pub struct ModelStore {
    source: Arc<Source>,
    current: Arc<ArcSwap<Classifier>>,
    golden: Arc<GoldenAnswers>,
}

#[derive(Debug)]
enum Source {
    Embedded,
    Files { model: PathBuf, golden: PathBuf, poll: Duration },
}

impl ModelStore {
    /// Loads the model and has it reproduce its golden answers.
    ///
    /// # Errors
    /// [`ModelError`], which names the file and what would be right.
    pub fn load(config: &ModelConfig) -> Result<Self, ModelError> {
        let source = match &config.model {
            None => Source::Embedded,
            Some(model) => Source::Files {
                model: model.clone(),
                golden: config.golden.clone().unwrap_or_else(|| model.with_file_name("golden.json")),
                poll: config.model_poll,
            },
        };
        let (classifier, golden) = source.load()?;
        announce(&classifier);
        Ok(Self {
            source: Arc::new(source),
            current: Arc::new(ArcSwap::from_pointee(classifier)),
            golden: Arc::new(golden),
        })
    }

    /// The model that answers now. Hold it for one request: the next may find another.
    #[must_use]
    pub fn current(&self) -> Guard<Arc<Classifier>> {
        self.current.load()
    }

    /// The golden answers that the model reproduced at the start.
    #[must_use]
    pub fn golden(&self) -> &GoldenAnswers {
        &self.golden
    }

    /// Loads the files again beside the model that answers, checks the new one, and swaps it in.
    ///
    /// # Errors
    /// [`ModelError`] where the new model is refused; the old one goes on answering.
    pub fn reload(&self) -> Result<Reload, ModelError> {
        if matches!(*self.source, Source::Embedded) {
            return Ok(Reload::Unchanged);
        }
        let (next, _) = self.source.load()?;
        if next.sha256() == self.current().sha256() {
            return Ok(Reload::Unchanged);
        }
        announce(&next);
        self.current.store(Arc::new(next));
        Ok(Reload::Swapped)
    }

    /// Reloads on `SIGHUP` and when a file changed, for as long as the service runs.
    ///
    /// Files are polled rather than watched: a Kubernetes volume changes by swapping a symbolic link two levels up,
    /// which file watches miss.
    ///
    /// # Errors
    /// Where the signal's handler cannot be installed.
    pub async fn keep_fresh(self) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut seen = self.source.fingerprint();
        let mut poll = tokio::time::interval(self.source.poll());
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                _ = poll.tick() => {
                    if self.source.fingerprint() == seen {
                        continue;
                    }
                }
            }
            seen = self.source.fingerprint();
            let store = self.clone();
            // Some milliseconds of optimising: not on a thread that answers requests.
            match tokio::task::spawn_blocking(move || store.reload()).await {
                Ok(Ok(Reload::Swapped)) => {}
                Ok(Ok(Reload::Unchanged)) => events::ModelUnchanged.emit(),
                Ok(Err(error)) => events::ModelRefused { error: &error.to_string() }.emit(),
                Err(panic) => events::ModelRefused { error: &panic.to_string() }.emit(),
            }
        }
    }
}

impl Source {
    fn load(&self) -> Result<(Classifier, GoldenAnswers), ModelError> {
        match self {
            Self::Embedded => {
                load("embedded model", EMBEDDED_MODEL, "embedded golden answers", EMBEDDED_GOLDEN)
            }
            Self::Files { model, golden, .. } => load(
                &model.display().to_string(),
                &read(model)?,
                &golden.display().to_string(),
                &read(golden)?,
            ),
        }
    }

    /// What tells whether a file changed; a file that cannot be looked at counts as one that differs.
    fn fingerprint(&self) -> Vec<Option<(SystemTime, u64)>> {
        let look = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        match self {
            Self::Embedded => vec![],
            Self::Files { model, golden, .. } => vec![look(model), look(golden)],
        }
    }

    fn poll(&self) -> Duration {
        match self {
            // Nothing to look at: only the signal matters.
            Self::Embedded => Duration::from_secs(3600),
            Self::Files { poll, .. } => *poll,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })
}

fn load(
    model_file: &str,
    model: &[u8],
    golden_file: &str,
    golden: &[u8],
) -> Result<(Classifier, GoldenAnswers), ModelError> {
    let classifier = Classifier::from_onnx(model_file, model)?;
    let golden = GoldenAnswers::from_json(golden_file, golden)?;
    golden.check(&classifier, model_file)?;
    Ok((classifier, golden))
}

fn announce(classifier: &Classifier) {
    let metadata = classifier.metadata();
    events::ModelLoaded { model: &metadata.name, sha256: classifier.sha256(), opset: metadata.opset }.emit();
}
