//! Parses the body of `POST /api`: one row or a batch of rows. Checks everything that can be checked before the model
//! sees a number; never allocates more than the bounds allow.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::problem::ApiError;

const FIELD: &str = "array";

/// How many names of unknown fields an error repeats, and how much of each.
const NAMES: usize = 4;
const NAME_CHARS: usize = 40;

/// What rows must look like.
#[derive(Debug, Clone, Copy)]
pub struct RowShape {
    /// How many numbers a row has.
    pub features: usize,
    /// How many rows are accepted at once.
    pub max_rows: usize,
}

/// Rows that fit the model: at least one, each finite and of the right length.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    values: Vec<f32>,
    features: usize,
}

impl Rows {
    /// Parses `{"array":[…]}` or `{"array":[[…],[…]]}`.
    ///
    /// # Errors
    /// The [`ApiError`] that tells the caller what is wrong, where, and what would be right.
    pub fn parse(body: &[u8], shape: RowShape) -> Result<Self, ApiError> {
        let mut reading = Reading::new(shape);
        let mut json = serde_json::Deserializer::from_slice(body);
        BodySeed(&mut reading)
            .deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| reading.fault.take().unwrap_or_else(|| describe(&error)))?;
        Ok(Self { values: reading.values, features: shape.features })
    }

    /// Rows from numbers that came another way: whole rows, one after the other, as [`RowShape`] says.
    pub(super) fn from_values(values: Vec<f32>, features: usize) -> Self {
        Self { values, features }
    }

    /// All numbers, row after row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.features)
    }
}

/// What is known so far of a body that is being read. A fault travels beside serde's error, which carries text only.
struct Reading {
    shape: RowShape,
    values: Vec<f32>,
    fault: Option<ApiError>,
}

impl Reading {
    fn new(shape: RowShape) -> Self {
        Self { shape, values: Vec::with_capacity(shape.features), fault: None }
    }

    fn fail<E: serde::de::Error>(&mut self, fault: ApiError) -> E {
        self.fault.get_or_insert(fault);
        E::custom("refused")
    }

    fn push<E: serde::de::Error>(&mut self, value: f64, place: Place) -> Result<(), E> {
        match finite(value) {
            Some(value) => {
                // Beyond the bounds numbers are only counted: what is kept stays bounded.
                if self.values.len() < self.shape.features.saturating_mul(self.shape.max_rows) {
                    self.values.push(value);
                }
                Ok(())
            }
            None => Err(self.fail(ApiError::NumberOutOfRange { at: place.path(), value: value.to_string() })),
        }
    }

    fn check_length<E: serde::de::Error>(&mut self, got: usize, row: Option<usize>) -> Result<(), E> {
        let expected = self.shape.features;
        if got == expected {
            return Ok(());
        }
        let at = row.map_or_else(|| FIELD.to_owned(), |row| format!("{FIELD}[{row}]"));
        Err(self.fail(ApiError::WrongLength { at, expected, got }))
    }
}

/// `value` as the model's 32-bit float; `None` where that would be infinite.
pub(super) fn finite(value: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to f32 is what the model's input type asks for"
    )]
    let value = value as f32;
    value.is_finite().then_some(value)
}

pub(super) fn describe(error: &serde_json::Error) -> ApiError {
    let reason = error.to_string();
    // serde_json has no class of its own for a number beyond f64; a test pins this text.
    if reason.starts_with("number out of range") {
        return ApiError::NumberOutOfRange {
            at: format!("line {} column {}", error.line(), error.column()),
            value: "a number".to_owned(),
        };
    }
    match error.classify() {
        serde_json::error::Category::Data => ApiError::WrongType { at: "body".to_owned(), reason },
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => ApiError::MalformedJson { reason },
    }
}

/// The place of a value in the body, in words only when an error needs them.
#[derive(Clone, Copy)]
struct Place {
    row: Option<usize>,
    index: usize,
}

impl Place {
    fn path(self) -> String {
        match self.row {
            None => format!("{FIELD}[{}]", self.index),
            Some(row) => format!("{FIELD}[{row}][{}]", self.index),
        }
    }
}

/// The whole body: an object with the one field.
struct BodySeed<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(r#"an object such as {"array":[…]}"#)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        let mut found = false;
        let mut others: Vec<String> = vec![];
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name != FIELD {
                if others.len() < NAMES {
                    others.push(name.chars().take(NAME_CHARS).collect());
                }
                map.next_value::<IgnoredAny>()?;
            } else if found {
                let reason = "the field is there twice; expected once".to_owned();
                return Err(reading.fail(ApiError::WrongType { at: FIELD.to_owned(), reason }));
            } else {
                found = true;
                map.next_value_seed(ArraySeed(&mut *reading))?;
            }
        }
        match (found, others.first()) {
            (true, None) => Ok(()),
            (true, Some(field)) => {
                let field = field.clone();
                Err(reading.fail(ApiError::UnknownField { field, expected: FIELD }))
            }
            (false, _) => Err(reading.fail(ApiError::MissingField { field: FIELD, sent: others })),
        }
    }
}

/// The value of the field: numbers, or rows of numbers.
struct ArraySeed<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for ArraySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ArraySeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of numbers, or an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let reading = self.0;
        let mut count = 0;
        let mut batch = None;
        while let Some(kind) = elements.next_element_seed(ElementSeed {
            reading: &mut *reading,
            row: None,
            index: count,
            batch,
        })? {
            batch = Some(kind);
            count += 1;
        }
        let RowShape { max_rows, .. } = reading.shape;
        match batch {
            None => Err(reading.fail(ApiError::EmptyBatch)),
            Some(Kind::Number) => reading.check_length(count, None),
            Some(Kind::Row) if count > max_rows => {
                Err(reading.fail(ApiError::BatchTooLarge { got: count, limit: max_rows }))
            }
            Some(Kind::Row) => Ok(()),
        }
    }
}

/// What the elements of the array are. The first one decides.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Row,
}

/// One element: a number, or a row when the place allows one.
struct ElementSeed<'a> {
    reading: &'a mut Reading,
    row: Option<usize>,
    index: usize,
    batch: Option<Kind>,
}

impl ElementSeed<'_> {
    fn place(&self) -> Place {
        Place { row: self.row, index: self.index }
    }

    fn number<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        if self.batch == Some(Kind::Row) {
            return Err(self.wrong_type("a number"));
        }
        let place = self.place();
        self.reading.push(value, place).map(|()| Kind::Number)
    }

    fn wrong_type<E: serde::de::Error>(self, found: &str) -> E {
        let expected = match self.batch {
            Some(Kind::Row) => "a row, as the elements before it",
            Some(Kind::Number) => "a number",
            None if self.row.is_some() => "a number",
            None => "a number or a row",
        };
        let fault = ApiError::WrongType {
            at: self.place().path(),
            reason: format!("found {found}; expected {expected}"),
        };
        self.reading.fail(fault)
    }
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_> {
    type Value = Kind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a row")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        self.number(value)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "rounding to the model's float is what its input type asks for"
    )]
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Kind, E> {
        self.number(value as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "rounding to the model's float is what its input type asks for"
    )]
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Kind, E> {
        self.number(value as f64)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Kind, E> {
        Err(self.wrong_type(if value { "true" } else { "false" }))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Kind, E> {
        Err(self.wrong_type("a string"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Kind, E> {
        Err(self.wrong_type("null"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Kind, A::Error> {
        Err(self.wrong_type("an object"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Kind, A::Error> {
        if self.row.is_some() || self.batch == Some(Kind::Number) {
            return Err(self.wrong_type("an array"));
        }
        let (reading, row) = (self.reading, self.index);
        let mut count = 0;
        let number = Some(Kind::Number);
        while elements
            .next_element_seed(ElementSeed {
                reading: &mut *reading,
                row: Some(row),
                index: count,
                batch: number,
            })?
            .is_some()
        {
            count += 1;
        }
        reading.check_length::<A::Error>(count, Some(row)).map(|()| Kind::Row)
    }
}
