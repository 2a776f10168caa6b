//! What is asked of each route, and what an answer says. Sends nothing.

use serde::Deserialize;
use serde_json::json;

use crate::api;
use crate::model::{GoldenRow, Metadata};

/// A route that predicts, as the prober asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// The service's own call.
    Api,
    /// The infer call of the Open Inference Protocol.
    Infer,
}

impl Route {
    pub(super) const ALL: [Self; 2] = [Self::Api, Self::Infer];

    /// The value of the label `http_route`, the same as in the service's own metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Api => api::PREDICT,
            Self::Infer => api::INFER,
        }
    }

    pub(super) fn path(self, model: &Metadata) -> String {
        self.label().replace("{model}", &model.name)
    }

    pub(super) fn body(self, model: &Metadata, row: &GoldenRow) -> String {
        let GoldenRow { array, class: _ } = row;
        let body = match self {
            Self::Api => json!({ "array": array }),
            Self::Infer => json!({ "inputs": [
                { "name": model.input, "shape": [1, array.len()], "datatype": "FP32", "data": array }
            ]}),
        };
        body.to_string()
    }

    /// The classes in the body of a 200, where it is one that this route gives.
    pub(super) fn classes(self, body: &[u8]) -> Option<Vec<i64>> {
        #[derive(Deserialize)]
        struct Predictions {
            predicciones: Vec<i64>,
        }
        #[derive(Deserialize)]
        struct Inference {
            outputs: [Tensor; 1],
        }
        #[derive(Deserialize)]
        struct Tensor {
            data: Vec<i64>,
        }
        match self {
            Self::Api => serde_json::from_slice(body).ok().map(|Predictions { predicciones }| predicciones),
            Self::Infer => {
                let inference = serde_json::from_slice(body).ok();
                inference.map(|Inference { outputs: [Tensor { data }] }| data)
            }
        }
    }
}
