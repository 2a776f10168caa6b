//! Whatever arrives as a body is parsed or refused: it never panics, and what is accepted is within the bounds.

#![no_main]

use inference::api::{InferenceRequest, RowShape, Rows};
use libfuzzer_sys::fuzz_target;

const SHAPE: RowShape = RowShape { features: 37, max_rows: 4 };

fuzz_target!(|body: &[u8]| {
    if let Ok(rows) = Rows::parse(body, SHAPE) {
        let count = rows.iter().count();
        assert!((1..=SHAPE.max_rows).contains(&count));
        assert_eq!(rows.values().len(), count * SHAPE.features);
        assert!(rows.values().iter().all(|value| value.is_finite()));
    }
    if let Ok(request) = InferenceRequest::parse(body) {
        let _either = request.rows("float_input", SHAPE, body);
    }
});
