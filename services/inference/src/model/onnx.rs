//! Runs an ONNX classifier with tract. Owns the plans, the states that are used again, and the answers of the domain;
//! never reads a file.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use sha2::{Digest, Sha256};
use tract_onnx::pb;
use tract_onnx::prelude::*;

use super::{Metadata, ModelError};

/// How many states are kept for single rows: more than there are threads that serve at the same time.
const KEPT_STATES: usize = 64;

/// A classifier that is ready to run: rows of numbers in, one class each out.
#[derive(Debug)]
pub struct Classifier {
    metadata: Metadata,
    sha256: String,
    /// One row: the batch dimension is fixed, because an open symbol is resolved again on each run.
    row: Arc<TypedRunnableModel>,
    /// States of `row` that wait for their next run: using one again saves a sixth of it. They wait here and not in a
    /// thread's local storage, because a tract state that ends with its thread aborts the process: its end looks into
    /// tract's own local storage, which is gone by then.
    states: ArrayQueue<TypedSimpleState>,
    batch: Arc<TypedRunnableModel>,
    /// The class of each row of the domain, by its number; empty where the domain is not numbered.
    answers: Vec<i64>,
}

impl Classifier {
    /// Makes plans from the bytes of an ONNX file, and asks them for the class of every row of the domain. `file` is
    /// what errors call it. Only the label's branch is kept: the probabilities are never computed.
    ///
    /// # Errors
    /// [`ModelError`] where the bytes are no ONNX model, not a classifier, or use what tract cannot run.
    pub fn from_onnx(file: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let (proto, metadata) = read(file, bytes)?;
        let label = Some(metadata.label_index);
        let row = plan(&proto, &metadata, PlannedRows::One, label);
        let batch = plan(&proto, &metadata, PlannedRows::Any, label);
        let mut classifier = Self {
            row: row.map_err(|error| not_runnable(file, &error))?,
            batch: batch.map_err(|error| not_runnable(file, &error))?,
            sha256: hex::encode(Sha256::digest(bytes)),
            states: ArrayQueue::new(KEPT_STATES),
            answers: vec![],
            metadata,
        };
        let domain: Vec<f32> = classifier.metadata.domain.rows().flatten().collect();
        if !domain.is_empty() {
            classifier.answers = classifier.run(&domain)?;
        }
        Ok(classifier)
    }

    /// What the model says about itself.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The SHA-256 of the ONNX file, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The version clients may ask for: the first twelve digits of the file's SHA-256.
    #[must_use]
    pub fn version(&self) -> &str {
        self.sha256.get(..12).unwrap_or(&self.sha256)
    }

    /// The class of each row in `values`, which holds whole rows one after the other. Rows of the domain were answered
    /// when the model was loaded; where there is another among them, the model runs.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn classify(&self, values: &[f32]) -> Result<Vec<i64>, ModelError> {
        let rows = values.chunks_exact(self.metadata.features.max(1));
        let whole = rows.remainder().is_empty();
        match rows.map(|row| self.answer(row)).collect() {
            Some(classes) if whole => Ok(classes),
            _ => self.run(values),
        }
    }

    /// What was answered when the model was loaded.
    fn answer(&self, row: &[f32]) -> Option<i64> {
        self.answers.get(self.metadata.domain.number(row)?).copied()
    }

    /// Runs the model on the rows in `values`, whatever was answered before.
    ///
    /// # Errors
    /// [`ModelError::Run`] where tract fails, or `values` is not a whole number of rows.
    pub fn run(&self, values: &[f32]) -> Result<Vec<i64>, ModelError> {
        let features = self.metadata.features;
        if values.len() == features { self.run_row(values) } else { run_batch(&self.batch, features, values) }
            .map_err(|error| ModelError::Run { reason: format!("{error:#}") })
    }

    fn run_row(&self, values: &[f32]) -> TractResult<Vec<i64>> {
        let input = Tensor::from_shape(&[1, values.len()], values)?;
        let mut state = self.states.pop().map_or_else(|| self.row.spawn(), Ok)?;
        // A state that fails is dropped here, not used again.
        let outputs = state.run(tvec!(input.into_tvalue()))?;
        // Where no place is left the state is dropped: the next thread makes its own.
        let _kept = self.states.push(state);
        labels(&outputs)
    }
}

/// A row's class with the score of each class, as the whole model gives them.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Scored {
    /// The class.
    pub class: i64,
    /// One score a class, in the model's order; for a probabilistic model its probabilities.
    pub scores: Vec<f32>,
}

/// The whole model, with its scores: for comparing tract with other runtimes, never for serving.
#[derive(Debug)]
pub struct Scorer {
    features: usize,
    label_index: usize,
    plan: Arc<TypedRunnableModel>,
}

impl Scorer {
    /// Makes a plan that keeps every output.
    ///
    /// # Errors
    /// As [`Classifier::from_onnx`].
    pub fn from_onnx(file: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        let (proto, metadata) = read(file, bytes)?;
        let plan =
            plan(&proto, &metadata, PlannedRows::Any, None).map_err(|error| not_runnable(file, &error))?;
        Ok(Self { features: metadata.features, label_index: metadata.label_index, plan })
    }

    /// How many numbers a row has.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Class and scores of each row in `values`, which holds whole rows one after the other.
    ///
    /// # Errors
    /// [`ModelError::Run`] where tract fails.
    pub fn score(&self, values: &[f32]) -> Result<Vec<Scored>, ModelError> {
        self.try_score(values).map_err(|error| ModelError::Run { reason: format!("{error:#}") })
    }

    fn try_score(&self, values: &[f32]) -> TractResult<Vec<Scored>> {
        let rows = values.len() / self.features;
        let input = Tensor::from_shape(&[rows, self.features], values)?;
        let outputs = self.plan.run(tvec!(input.into_tvalue()))?;
        let label = outputs.get(self.label_index).ok_or_else(|| TractError::msg("no label output"))?;
        let scores = outputs.iter().find(|output| output.datum_type() == f32::datum_type());
        let scores = match scores {
            Some(scores) => scores.try_as_plain_ram()?.as_slice::<f32>()?.to_vec(),
            None => vec![],
        };
        let classes = label.try_as_plain_ram()?;
        let classes = classes.as_slice::<i64>()?;
        let width = scores.len() / rows.max(1);
        let of_row = |row: usize| scores.iter().skip(row * width).take(width).copied().collect();
        Ok(classes
            .iter()
            .enumerate()
            .map(|(row, class)| Scored { class: *class, scores: of_row(row) })
            .collect())
    }
}

fn read(file: &str, bytes: &[u8]) -> Result<(pb::ModelProto, Metadata), ModelError> {
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut &*bytes)
        .map_err(|error| not_runnable(file, &error.context("not an ONNX file")))?;
    let metadata = Metadata::read(&proto, file)?;
    Ok((proto, metadata))
}

/// How many rows a plan takes.
#[derive(Clone, Copy)]
enum PlannedRows {
    One,
    Any,
}

fn plan(
    proto: &pb::ModelProto,
    metadata: &Metadata,
    rows: PlannedRows,
    only_output: Option<usize>,
) -> TractResult<Arc<TypedRunnableModel>> {
    let model = tract_onnx::onnx().model_for_proto_model(proto)?;
    let rows = match rows {
        PlannedRows::One => 1.to_dim(),
        // The model's own scope: a symbol of another dies with it.
        PlannedRows::Any => model.sym("N").to_dim(),
    };
    let shape = [rows, metadata.features.to_dim()];
    let mut model = model.with_input_fact(0, f32::fact(shape).into())?;
    if let Some(index) = only_output {
        let label = *model.output_outlets()?.get(index).ok_or_else(|| TractError::msg("no label output"))?;
        model.select_output_outlets(&[label])?;
    }
    model.into_optimized()?.into_runnable()
}

fn run_batch(plan: &Arc<TypedRunnableModel>, features: usize, values: &[f32]) -> TractResult<Vec<i64>> {
    let input = Tensor::from_shape(&[values.len() / features, features], values)?;
    labels(&plan.run(tvec!(input.into_tvalue()))?)
}

fn labels(outputs: &[TValue]) -> TractResult<Vec<i64>> {
    let label = outputs.first().ok_or_else(|| TractError::msg("the plan has no output"))?;
    Ok(label.try_as_plain_ram()?.as_slice::<i64>()?.to_vec())
}

fn not_runnable(file: &str, error: &TractError) -> ModelError {
    ModelError::NotRunnable { file: file.to_owned(), reason: format!("{error:#}") }
}
