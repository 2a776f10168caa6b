//! From a YAML file's text to a typed value and the place of each of its fields: shape is checked against the type's
//! JSON Schema. Owns YAML and how faults are told; must never decide what makes sense.

mod fault;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::fault::{Fault, Faults};

/// A file that has the right shape, and where each of its fields stands.
#[derive(Debug)]
pub struct Document<T> {
    /// How messages name the file.
    name: String,
    /// Lines by JSON pointer, such as `/objectives/0/id`.
    lines: Map<String, Value>,
    /// What it says.
    pub content: T,
}

impl<T: JsonSchema + DeserializeOwned> Document<T> {
    /// Reads a file's text. `name` is what messages call the file.
    ///
    /// # Errors
    ///
    /// Everything whose shape is wrong, at once.
    pub fn read(name: &str, text: &str) -> Result<Self, Faults> {
        let fault =
            |line, message: String| Faults::new(name, vec![Fault { line, field: String::new(), message }]);
        let documents = MarkedYaml::load_from_str(text)
            .map_err(|error| fault(error.marker().line(), format!("is not YAML: {}", error.info())))?;
        let [document] = documents.as_slice() else {
            return Err(fault(1, format!("holds {} YAML documents; expected one", documents.len())));
        };
        let mut lines = Map::new();
        let mut faults = Vec::new();
        let value = tree(document, "", &mut lines, &mut faults);
        let schema = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
        let validator = Validator::new(&schema).map_err(|error| fault(1, error.to_string()))?;
        faults.extend(validator.iter_errors(&value).map(|error| told(&error, &lines, &schema)));
        if !faults.is_empty() {
            return Err(Faults::new(name, faults));
        }
        let content = serde_json::from_value(value).map_err(|error| fault(1, error.to_string()))?;
        Ok(Self { name: name.to_owned(), lines, content })
    }
}

impl<T> Document<T> {
    /// A fault at a field, given by its JSON pointer. A field that isn't written is placed at the nearest one above.
    pub fn fault(&self, pointer: &str, message: impl Into<String>) -> Fault {
        Fault { line: line_of(&self.lines, pointer), field: path(pointer), message: message.into() }
    }

    /// Those faults as the file's.
    #[must_use]
    pub fn faults(&self, faults: Vec<Fault>) -> Faults {
        Faults::new(&self.name, faults)
    }

    /// How messages name the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Any YAML document as JSON, for lists that have no schema.
pub(crate) fn plain(text: &str) -> Result<Value, String> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| error.to_string())?;
    let [document] = documents.as_slice() else {
        return Err(format!("{} documents; expected one", documents.len()));
    };
    let mut faults = Vec::new();
    let value = tree(document, "", &mut Map::new(), &mut faults);
    match faults.first() {
        Some(Fault { line, message, .. }) => Err(format!("line {line}: {message}")),
        None => Ok(value),
    }
}

/// The document as JSON; notes where each field stands.
fn tree(node: &MarkedYaml<'_>, at: &str, lines: &mut Map<String, Value>, faults: &mut Vec<Fault>) -> Value {
    lines.entry(at).or_insert_with(|| node.span.start.line().into());
    let refuse = |faults: &mut Vec<Fault>, message: &str| {
        faults.push(Fault { line: node.span.start.line(), field: path(at), message: message.to_owned() });
        Value::Null
    };
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Value::String(text.to_string()),
        YamlData::Value(Scalar::Boolean(flag)) => Value::Bool(*flag),
        YamlData::Value(Scalar::Integer(number)) => Value::from(*number),
        YamlData::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
        YamlData::Value(Scalar::Null) => Value::Null,
        YamlData::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| tree(item, &format!("{at}/{index}"), lines, faults))
            .collect(),
        YamlData::Mapping(fields) => {
            let mut object = Map::new();
            for (key, value) in fields {
                let Some(name) = key.data.as_str() else {
                    return refuse(faults, "has a key that is not a text");
                };
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                // The key's line is where a reader looks; a value may begin on the next.
                lines.insert(below.clone(), key.span.start.line().into());
                object.insert(name.to_owned(), tree(value, &below, lines, faults));
            }
            Value::Object(object)
        }
        _ => refuse(faults, "is neither text, number, list nor fields; anchors and tags are not read"),
    }
}

/// What the schema found, in words.
fn told(error: &ValidationError<'_>, lines: &Map<String, Value>, schema: &Value) -> Fault {
    let at = error.instance_path().to_string();
    let found = error.instance();
    let message = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let (below, known) =
                (format!("{at}/{}", unexpected.first().map_or("", |name| name)), known_fields(error, schema));
            return Fault {
                line: line_of(lines, &below),
                field: path(&below),
                message: format!("there is no such field; {known}"),
            };
        }
        ValidationErrorKind::Required { property } => format!("the field {property} is missing"),
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) }
            if found.is_number() && kind.to_string() == "string" =>
        {
            format!("{found} is a number; write it in quotes, \"{found}\", so that it stays exact")
        }
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => {
            format!("expected {kind}, found {found}")
        }
        ValidationErrorKind::Pattern { pattern } => format!("{found} is not of the form {pattern}"),
        ValidationErrorKind::OneOfNotValid { .. } => {
            format!("{found} is not one of {}", names_of_choices(error, schema).join(", "))
        }
        ValidationErrorKind::MinItems { limit } => format!("expected at least {limit}"),
        _ => error.to_string(),
    };
    Fault { line: line_of(lines, &at), field: path(&at), message }
}

/// The names that would be right beside one that isn't known.
fn known_fields(error: &ValidationError<'_>, schema: &Value) -> String {
    let location = error.schema_path().to_string();
    let object = location.strip_suffix("/additionalProperties").and_then(|object| resolved(schema, object));
    let names: Vec<&str> = object
        .and_then(|object| object.get("properties")?.as_object())
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    format!("known ones are {}", names.join(", "))
}

/// The texts among which one has to be chosen.
fn names_of_choices(error: &ValidationError<'_>, schema: &Value) -> Vec<String> {
    let choices = resolved(schema, error.schema_path().as_str()).and_then(Value::as_array);
    choices
        .into_iter()
        .flatten()
        .filter_map(|choice| Some(choice.get("const")?.as_str()?.to_owned()))
        .collect()
}

/// Follows a schema path through its references.
fn resolved<'schema>(root: &'schema Value, path: &str) -> Option<&'schema Value> {
    path.split('/').skip(1).try_fold(root, |node, step| match step {
        "$ref" => root.pointer(node.get("$ref")?.as_str()?.strip_prefix('#')?),
        _ => node.get(step).or_else(|| node.as_array()?.get(step.parse::<usize>().ok()?)),
    })
}

fn line_of(lines: &Map<String, Value>, pointer: &str) -> usize {
    let mut at = pointer;
    loop {
        if let Some(line) = lines.get(at).and_then(Value::as_u64) {
            return usize::try_from(line).unwrap_or(1);
        }
        let Some((above, _)) = at.rsplit_once('/') else { return 1 };
        at = above;
    }
}

/// A JSON pointer as people write it: `objectives[0].id`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            path += &format!("[{step}]");
        } else {
            path += if path.is_empty() { "" } else { "." };
            path += &step.replace("~1", "/").replace("~0", "~");
        }
    }
    path
}
