//! What an ONNX file says about itself: inputs, outputs, opset, and the properties its trainer wrote. Reads the
//! protobuf only; never makes a plan.

use tract_onnx::pb;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dimension;

use super::{Domain, FeatureGroup, ModelError};

const INPUT: &str = "one float input of the shape [N, features]";
const OUTPUT: &str = "an int64 output of the shape [N] (export with skl2onnx and zipmap off)";

/// What the service needs to know of a model before it runs it.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// The model's name: in the path of the Open Inference Protocol and in metric labels.
    pub name: String,
    /// The version of the default operator set; 0 where the file does not say.
    pub opset: i64,
    /// The input's name.
    pub input: String,
    /// The label output's name.
    pub label: String,
    /// The label's place among the outputs.
    pub label_index: usize,
    /// How many numbers a row has.
    pub features: usize,
    /// A name for each feature; empty where the file does not say.
    pub feature_names: Vec<String>,
    /// The domain that the model was trained on.
    pub domain: Domain,
}

impl Metadata {
    /// Reads the metadata of `proto`, which came from `file`.
    ///
    /// # Errors
    /// [`ModelError::WrongShape`] where inputs or outputs are not those of a classifier, [`ModelError::Metadata`] where
    /// a property contradicts them.
    pub fn read(proto: &pb::ModelProto, file: &str) -> Result<Self, ModelError> {
        let graph = proto.graph.clone().unwrap_or_default();
        let (input, features) = input(&graph, file)?;
        let (label_index, label) = label(&graph, file)?;
        let feature_names: Vec<String> = json_property(proto, file, "feature_names")?.unwrap_or_default();
        if !feature_names.is_empty() && feature_names.len() != features {
            let reason = format!("{} names for {features} features; expected one each", feature_names.len());
            return Err(ModelError::Metadata { file: file.to_owned(), key: "feature_names", reason });
        }
        let groups: Vec<FeatureGroup> = json_property(proto, file, "feature_groups")?.unwrap_or_default();
        let domain = Domain::new(groups, features).map_err(|reason| ModelError::Metadata {
            file: file.to_owned(),
            key: "feature_groups",
            reason,
        })?;
        let opset = proto
            .opset_import
            .iter()
            .find(|import| import.domain.is_empty())
            .map_or(0, |import| import.version);
        Ok(Self {
            name: name(proto, file)?,
            opset,
            input,
            label,
            label_index,
            features,
            feature_names,
            domain,
        })
    }
}

fn property<'a>(proto: &'a pb::ModelProto, key: &str) -> Option<&'a str> {
    proto.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

fn json_property<T: serde::de::DeserializeOwned>(
    proto: &pb::ModelProto,
    file: &str,
    key: &'static str,
) -> Result<Option<T>, ModelError> {
    property(proto, key).map(serde_json::from_str).transpose().map_err(|error| ModelError::Metadata {
        file: file.to_owned(),
        key,
        reason: error.to_string(),
    })
}

/// The name stands in a URL's path and in metric labels, so it keeps to letters that need no escaping in either.
fn name(proto: &pb::ModelProto, file: &str) -> Result<String, ModelError> {
    let name = property(proto, "model_name").unwrap_or("model");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let reason = format!("{name:?}; expected 1 to 64 of the characters a-z, A-Z, 0-9, `.`, `_`, `-`");
        return Err(ModelError::Metadata { file: file.to_owned(), key: "model_name", reason });
    }
    Ok(name.to_owned())
}

fn input(graph: &pb::GraphProto, file: &str) -> Result<(String, usize), ModelError> {
    let wrong = |found: String| ModelError::WrongShape { file: file.to_owned(), found, expected: INPUT };
    let fed: Vec<_> = graph
        .input
        .iter()
        .filter(|input| !graph.initializer.iter().any(|constant| constant.name == input.name))
        .collect();
    let [only] = fed.as_slice() else {
        return Err(wrong(format!("{} inputs", fed.len())));
    };
    let (element, shape) =
        tensor(only).ok_or_else(|| wrong(format!("input {} is not a tensor", only.name)))?;
    match (element, shape.as_slice()) {
        (pb::tensor_proto::DataType::Float, [_, Some(features)]) if *features > 0 => {
            Ok((only.name.clone(), *features))
        }
        _ => Err(wrong(format!("input {} is {element:?} {}", only.name, print(&shape)))),
    }
}

fn label(graph: &pb::GraphProto, file: &str) -> Result<(usize, String), ModelError> {
    let is_label = |output: &pb::ValueInfoProto| {
        tensor(output)
            .is_some_and(|(element, shape)| element == pb::tensor_proto::DataType::Int64 && shape.len() == 1)
    };
    let found = || {
        let outputs = graph.output.iter().map(|output| match tensor(output) {
            Some((element, shape)) => format!("{} {element:?} {}", output.name, print(&shape)),
            None => format!("{} (not a tensor)", output.name),
        });
        format!("outputs {}", outputs.collect::<Vec<_>>().join(", "))
    };
    graph
        .output
        .iter()
        .enumerate()
        .find(|(_, output)| is_label(output))
        .map(|(index, output)| (index, output.name.clone()))
        .ok_or_else(|| ModelError::WrongShape { file: file.to_owned(), found: found(), expected: OUTPUT })
}

type Shape = Vec<Option<usize>>;

/// Element type and shape of a value; `None` for a dimension that is open.
fn tensor(value: &pb::ValueInfoProto) -> Option<(pb::tensor_proto::DataType, Shape)> {
    let pb::type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    let element = pb::tensor_proto::DataType::try_from(tensor.elem_type).ok()?;
    let dimensions = &tensor.shape.as_ref()?.dim;
    let size = |dimension: &pb::tensor_shape_proto::Dimension| match dimension.value {
        Some(Dimension::DimValue(size)) => usize::try_from(size).ok(),
        Some(Dimension::DimParam(_)) | None => None,
    };
    Some((element, dimensions.iter().map(size).collect()))
}

fn print(shape: &[Option<usize>]) -> String {
    let sizes: Vec<_> =
        shape.iter().map(|size| size.map_or_else(|| "N".to_owned(), |n| n.to_string())).collect();
    format!("[{}]", sizes.join(", "))
}
