//! The golden answers, as the end-to-end tests use them: a body to send and the answer that must come back.
//!
//! Must never decide what is right: the file holds scikit-learn's answers.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workspace::Workspace;

/// Where the golden answers are, from the root.
pub(crate) const FILE: &str = "services/inference/model/golden.json";

/// The model that they are the answers of, from the root.
pub(crate) const MODEL: &str = "services/inference/model/flights.onnx";

/// One row of the domain.
#[derive(Debug)]
pub(crate) struct Golden {
    /// The body of `POST /api`.
    pub(crate) body: String,
    /// What the service must answer, byte for byte.
    pub(crate) answer: String,
}

impl Golden {
    /// The body of `POST /v2/models/flights/infer` for the same row.
    pub(crate) fn infer(&self) -> anyhow::Result<String> {
        let body: Value = serde_json::from_str(&self.body)?;
        let data = body.get("array").and_then(Value::as_array).context("a golden row without an array")?;
        let input =
            json!({"name": "float_input", "shape": [1, data.len()], "datatype": "FP32", "data": data});
        Ok(json!({ "inputs": [input] }).to_string())
    }
}

#[derive(Deserialize)]
struct File {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    array: Vec<u8>,
    class: i64,
}

/// All rows, in the file's order.
pub(crate) fn load(workspace: &Workspace) -> anyhow::Result<Vec<Golden>> {
    let content = std::fs::read(workspace.path(FILE)).context(FILE)?;
    let file: File = serde_json::from_slice(&content).context(FILE)?;
    anyhow::ensure!(!file.rows.is_empty(), "{FILE} holds no row");
    file.rows
        .into_iter()
        .map(|row| {
            let array = serde_json::to_string(&row.array)?;
            Ok(Golden {
                body: format!("{{\"array\":{array}}}"),
                answer: format!("{{\"predicciones\":[{}]}}", row.class),
            })
        })
        .collect()
}
