//! The tensors of an inference request: JSON numbers, flat or nested, or little-endian bytes behind the JSON.

use std::fmt;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::api::problem::ApiError;
use crate::api::rows::{RowShape, Rows, describe, finite};

/// The body of the infer call.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct InferenceRequest {
    /// Comes back in the answer.
    pub(super) id: Option<String>,
    /// What is asked of the whole request.
    #[serde(default)]
    pub(super) parameters: RequestParameters,
    /// The model's one input.
    pub(super) inputs: Vec<InputTensor>,
    /// The outputs that are wanted; all where missing.
    #[serde(default)]
    pub(super) outputs: Vec<RequestedOutput>,
}

/// What is asked of the whole request.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub(in crate::api) struct RequestParameters {
    /// Whether outputs come as bytes behind the JSON unless they say otherwise.
    #[serde(default)]
    pub(super) binary_data_output: bool,
}

/// An input tensor.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::api) struct InputTensor {
    /// The input's name, as the model's metadata has it.
    #[schema(example = "float_input")]
    pub(super) name: String,
    /// Rows and features.
    #[schema(example = json!([1, 37]))]
    pub(super) shape: Vec<u64>,
    /// Only FP32.
    #[schema(example = "FP32")]
    pub(super) datatype: String,
    /// Where the numbers stand when they are not in `data`.
    #[serde(default)]
    pub(super) parameters: TensorParameters,
    /// The numbers, row after row, flat or nested as the shape.
    #[schema(value_type = Option<Vec<f32>>)]
    pub(super) data: Option<Numbers>,
}

/// Where a tensor's numbers stand.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub(in crate::api) struct TensorParameters {
    /// How many bytes behind the JSON are this tensor's.
    pub(super) binary_data_size: Option<usize>,
}

/// An output that is wanted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::api) struct RequestedOutput {
    /// The output's name, as the model's metadata has it.
    #[schema(example = "label")]
    pub(super) name: String,
    /// How it is wanted.
    #[serde(default)]
    pub(super) parameters: OutputParameters,
}

/// How an output is wanted.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub(in crate::api) struct OutputParameters {
    /// As bytes behind the JSON.
    pub(super) binary_data: Option<bool>,
}

/// The answer of the infer call.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct InferenceResponse {
    pub(super) model_name: String,
    pub(super) model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) outputs: Vec<OutputTensor>,
}

/// An output tensor.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct OutputTensor {
    #[schema(example = "label")]
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    #[schema(example = "INT64")]
    pub(super) datatype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<BinaryData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Vec<i64>>,
}

/// How many bytes behind the JSON are this tensor's.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct BinaryData {
    pub(super) binary_data_size: usize,
}

impl InferenceRequest {
    /// Parses the JSON part of a request.
    ///
    /// # Errors
    /// The [`ApiError`] that tells the caller what is wrong and where.
    pub fn parse(json: &[u8]) -> Result<Self, ApiError> {
        serde_json::from_slice(json).map_err(|error| describe(&error))
    }

    /// The rows of the model's input, from the JSON or from the `binary` part.
    ///
    /// # Errors
    /// The [`ApiError`] that tells the caller what does not fit the model, where, and what would.
    pub fn rows(&self, input: &str, shape: RowShape, binary: &[u8]) -> Result<Rows, ApiError> {
        let [tensor] = self.inputs.as_slice() else {
            return invalid(
                "inputs",
                format!("{} tensors; expected the one input `{input}`", self.inputs.len()),
            );
        };
        if tensor.name != input {
            return invalid("inputs[0].name", format!("`{}`; expected `{input}`", tensor.name));
        }
        if tensor.datatype != "FP32" {
            return invalid("inputs[0].datatype", format!("`{}`; expected `FP32`", tensor.datatype));
        }
        let rows = tensor.row_count(shape)?;
        let numbers = tensor.numbers(binary)?;
        if numbers.len() != rows * shape.features {
            let reason = format!(
                "{} numbers; the shape {:?} has {}",
                numbers.len(),
                tensor.shape,
                rows * shape.features
            );
            return invalid("inputs[0].data", reason);
        }
        Ok(Rows::from_values(numbers, shape.features))
    }
}

impl InputTensor {
    fn row_count(&self, shape: RowShape) -> Result<usize, ApiError> {
        let features = u64::try_from(shape.features).unwrap_or(u64::MAX);
        let rows = match self.shape.as_slice() {
            [rows, width] if *width == features => usize::try_from(*rows).unwrap_or(usize::MAX),
            other => {
                return invalid("inputs[0].shape", format!("{other:?}; expected [rows, {features}]"));
            }
        };
        match rows {
            0 => Err(ApiError::EmptyBatch),
            got if got > shape.max_rows => Err(ApiError::BatchTooLarge { got, limit: shape.max_rows }),
            rows => Ok(rows),
        }
    }

    fn numbers(&self, binary: &[u8]) -> Result<Vec<f32>, ApiError> {
        match (&self.data, self.parameters.binary_data_size) {
            (Some(_), Some(_)) => {
                invalid("inputs[0]", "both `data` and `binary_data_size`; expected one of them".to_owned())
            }
            (None, None) => invalid("inputs[0]", "no `data`; expected the numbers".to_owned()),
            (Some(Numbers(data)), None) => {
                let number = |(index, value): (usize, &f64)| {
                    finite(*value).ok_or_else(|| out_of_range(index, &value.to_string()))
                };
                data.iter().enumerate().map(number).collect()
            }
            (None, Some(size)) => {
                let bytes = binary.get(..size).filter(|bytes| bytes.len() == binary.len());
                let Some(bytes) = bytes.filter(|bytes| bytes.len() % size_of::<f32>() == 0) else {
                    let reason = format!("{size}; {} bytes follow the JSON; expected as many", binary.len());
                    return invalid("inputs[0].parameters.binary_data_size", reason);
                };
                let (words, _) = bytes.as_chunks::<{ size_of::<f32>() }>();
                let number = |(index, word): (usize, &[u8; 4])| {
                    let value = f32::from_le_bytes(*word);
                    if value.is_finite() { Ok(value) } else { Err(out_of_range(index, &value.to_string())) }
                };
                words.iter().enumerate().map(number).collect()
            }
        }
    }
}

fn invalid<T>(at: &str, reason: String) -> Result<T, ApiError> {
    Err(ApiError::InvalidTensor { at: at.to_owned(), reason })
}

fn out_of_range(index: usize, value: &str) -> ApiError {
    ApiError::NumberOutOfRange { at: format!("inputs[0].data[{index}]"), value: value.to_owned() }
}

/// Numbers, flat or in rows, read into one flat list. The protocol allows either.
#[derive(Debug)]
pub(in crate::api) struct Numbers(Vec<f64>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flatten;

        impl<'de> Visitor<'de> for Flatten {
            type Value = Vec<f64>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of numbers, or an array of rows of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<f64>, A::Error> {
                let mut flat = vec![];
                while let Some(element) = elements.next_element::<Element>()? {
                    match element {
                        Element::Number(value) => flat.push(value),
                        Element::Row(row) => flat.extend(row),
                    }
                }
                Ok(flat)
            }
        }

        deserializer.deserialize_seq(Flatten).map(Numbers).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a row of numbers")]
enum Element {
    Number(f64),
    Row(Vec<f64>),
}
