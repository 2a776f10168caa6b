//! What holds for every row, not only for those that somebody thought of.

use std::sync::LazyLock;

use inference::api::{ApiError, InferenceRequest, RowShape, Rows};
use inference::model::Classifier;
use proptest::collection::vec;
use proptest::prelude::*;
use tract_onnx::prelude::Framework;

const SHAPE: RowShape = RowShape { features: 37, max_rows: 16 };
const MODEL: &[u8] = include_bytes!("../../model/flights.onnx");

static CLASSIFIER: LazyLock<Classifier> =
    LazyLock::new(|| Classifier::from_onnx("flights.onnx", MODEL).unwrap());

/// Any number that a row may hold.
fn number() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("finite", |value| value.is_finite())
}

fn row() -> impl Strategy<Value = Vec<f32>> {
    vec(number(), SHAPE.features)
}

/// Weights and intercept of the class 1, as they stand in the ONNX file.
fn weights() -> (Vec<f64>, f64) {
    let proto = tract_onnx::onnx().proto_model_for_read(&mut &*MODEL).unwrap();
    let graph = proto.graph.unwrap();
    let classifier = graph.node.iter().find(|node| node.op_type == "LinearClassifier").unwrap();
    let floats =
        |name: &str| &classifier.attribute.iter().find(|attribute| attribute.name == name).unwrap().floats;
    // One line of weights for each class: skl2onnx writes those of class 0 as the negative of class 1's.
    let (coefficients, intercepts) = (floats("coefficients"), floats("intercepts"));
    assert_eq!((coefficients.len(), intercepts.len()), (2 * SHAPE.features, 2));
    (
        coefficients[SHAPE.features..].iter().map(|weight| f64::from(*weight)).collect(),
        f64::from(intercepts[1]),
    )
}

proptest! {
    #[test]
    fn a_printed_row_is_read_back(row in row()) {
        let body = format!("{{\"array\":{}}}", serde_json::to_string(&row).unwrap());
        let parsed = Rows::parse(body.as_bytes(), SHAPE).unwrap();
        prop_assert_eq!(parsed.values(), row);
    }

    #[test]
    fn a_printed_batch_is_read_back(rows in vec(row(), 1..=SHAPE.max_rows)) {
        let body = format!("{{\"array\":{}}}", serde_json::to_string(&rows).unwrap());
        let parsed = Rows::parse(body.as_bytes(), SHAPE).unwrap();
        prop_assert_eq!(parsed.iter().collect::<Vec<_>>(), rows);
    }

    #[test]
    fn a_row_of_another_length_is_refused(length in 1usize..100) {
        prop_assume!(length != SHAPE.features);
        let body = serde_json::json!({"array": vec![0.5; length]}).to_string();
        let refused = Rows::parse(body.as_bytes(), SHAPE);
        let as_expected = matches!(refused, Err(ApiError::WrongLength { got, .. }) if got == length);
        prop_assert!(as_expected, "{refused:?}");
    }

    #[test]
    fn no_body_panics(body in ".*") {
        let _either = Rows::parse(body.as_bytes(), SHAPE);
        let _either = InferenceRequest::parse(body.as_bytes()).map(|request| request.rows("float_input", SHAPE, &[]));
    }

    /// Where the exact sum is further from 0 than 32-bit rounding can move it, and no partial sum can overflow.
    #[test]
    fn a_row_gets_the_class_of_the_plain_dot_product(row in row()) {
        let (weights, intercept) = weights();
        let terms: Vec<f64> = row.iter().zip(&weights).map(|(value, weight)| f64::from(*value) * weight).collect();
        let magnitude: f64 = terms.iter().map(|term| term.abs()).sum();
        let score = terms.iter().sum::<f64>() + intercept;
        prop_assume!(magnitude < f64::from(f32::MAX) && score.abs() > magnitude * 38.0 * f64::from(f32::EPSILON));
        let expected = i64::from(score > 0.0);
        let batch = [row.as_slice(), &row].concat();
        prop_assert_eq!(CLASSIFIER.classify(&row).unwrap(), vec![expected]);
        prop_assert_eq!(CLASSIFIER.classify(&batch).unwrap(), vec![expected; 2]);
    }
}
