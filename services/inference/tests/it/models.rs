//! Which models are refused and with what words, and how the next one takes over.

use std::fs;
use std::path::Path;

use crate::service::defaults;
use inference::model::{ModelStore, Reload};
use prost::Message;
use rstest::rstest;
use tempfile::TempDir;
use tract_onnx::pb::ModelProto;

const MODEL: &[u8] = include_bytes!("../../model/flights.onnx");
const GOLDEN: &str = include_str!("../../model/golden.json");

/// A folder with a model and its golden answers.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.write("model.onnx", MODEL);
        files.write("golden.json", GOLDEN);
        files
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn load(&self) -> Result<ModelStore, String> {
        let mut config = defaults().model;
        config.model = Some(self.folder.path().join("model.onnx"));
        ModelStore::load(&config).map_err(|error| error.to_string())
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The model with a change.
fn changed(change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut proto = ModelProto::decode(MODEL).unwrap();
    change(&mut proto);
    proto.encode_to_vec()
}

/// A model that answers everything with the other class.
fn turned_round(proto: &mut ModelProto) {
    let nodes = &mut proto.graph.as_mut().unwrap().node;
    let classifier = nodes.iter_mut().find(|node| node.op_type == "LinearClassifier").unwrap();
    for attribute in
        classifier.attribute.iter_mut().filter(|a| a.name == "coefficients" || a.name == "intercepts")
    {
        attribute.floats.iter_mut().for_each(|weight| *weight = -*weight);
    }
}

fn property(proto: &mut ModelProto, key: &str, value: &str) {
    proto.metadata_props.iter_mut().find(|entry| entry.key == key).unwrap().value = value.to_owned();
}

#[rstest]
#[case::not_onnx(b"not an onnx file".to_vec(), "not a model that tract can run")]
#[case::empty(vec![], "0 inputs; expected one float input of the shape [N, features]")]
#[case::cut_off(MODEL[..MODEL.len() / 2].to_vec(), "not an ONNX file")]
#[case::no_label(changed(|p| { p.graph.as_mut().unwrap().output.remove(0); }), "expected an int64 output")]
#[case::two_inputs(
    changed(|p| { let graph = p.graph.as_mut().unwrap(); let more = graph.input[0].clone(); graph.input.push(more); graph.input[1].name = "x".into(); }),
    "2 inputs; expected one"
)]
#[case::an_operator_that_tract_has_not(
    changed(|p| p.graph.as_mut().unwrap().node[0].op_type = "SVMClassifier".into()), "not a model that tract can run"
)]
#[case::names_that_do_not_fit(changed(|p| property(p, "feature_names", r#"["one"]"#)), "1 names for 37 features")]
#[case::groups_that_do_not_fit(
    changed(|p| property(p, "feature_groups", r#"[{"name":"MES","start":25,"end":38}]"#)), "group MES is 25..38"
)]
#[case::a_name_that_needs_escaping(changed(|p| property(p, "model_name", "a/b")), "`model_name`: \"a/b\"")]
#[case::wrong_answers(changed(turned_round), "row 1 of ")]
#[test]
fn a_wrong_model_is_refused(#[case] model: Vec<u8>, #[case] says: &str) {
    let files = Files::new();
    files.write("model.onnx", model);
    let error = files.load().unwrap_err();
    assert!(error.contains(says), "{error}");
    assert!(error.contains("model.onnx"), "{error}");
}

#[test]
fn a_wrong_answer_names_file_row_and_both_answers() {
    let files = Files::new();
    let mut rows: Vec<String> = GOLDEN.lines().map(str::to_owned).collect();
    let line = rows.iter().position(|line| line.contains("\"array\"")).unwrap() + 6;
    let (from, to) = if rows[line].contains("\"class\":1") { (1, 0) } else { (0, 1) };
    rows[line] = rows[line].replace(&format!("\"class\":{from}"), &format!("\"class\":{to}"));
    files.write("golden.json", rows.join("\n"));
    let (model, golden) = (files.path().join("model.onnx"), files.path().join("golden.json"));
    let expected = format!(
        "{}: row 7 of {}: the model answers {from}, the golden answer is {to}",
        model.display(),
        golden.display()
    );
    assert_eq!(files.load().unwrap_err(), expected);
}

#[rstest]
#[case::not_json("{", "not a file of golden answers")]
#[case::no_rows(r#"{"rows":[]}"#, "it has no row")]
#[case::another_width(r#"{"rows":[{"array":[1],"class":0}]}"#, "row 1 has 1 numbers; expected 37")]
#[test]
fn wrong_golden_answers_are_refused(#[case] golden: &str, #[case] says: &str) {
    let files = Files::new();
    files.write("golden.json", golden);
    let error = files.load().unwrap_err();
    assert!(error.contains(says) && error.contains("golden.json"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let files = Files::new();
    fs::remove_file(files.path().join("golden.json")).unwrap();
    let error = files.load().unwrap_err();
    assert!(error.contains("golden.json: cannot be read"), "{error}");
}

#[test]
fn the_next_model_takes_over_only_when_it_is_right() {
    let files = Files::new();
    let store = files.load().unwrap();
    let first = store.current().sha256().to_owned();
    assert!(matches!(store.reload(), Ok(Reload::Unchanged)));

    files.write("model.onnx", changed(turned_round));
    assert!(store.reload().is_err());
    assert_eq!(store.current().sha256(), first);

    files.write("model.onnx", changed(|proto| proto.doc_string = "the next".to_owned()));
    assert!(matches!(store.reload(), Ok(Reload::Swapped)));
    assert_ne!(store.current().sha256(), first);
}

#[test]
fn a_thread_that_ran_the_old_model_runs_the_new_one() {
    let files = Files::new();
    let store = files.load().unwrap();
    let row = store.golden().rows()[0].clone();
    assert_eq!(store.current().run(&row.array).unwrap(), [row.class]);
    // Other golden answers make the model that answers otherwise the right one.
    let golden = GOLDEN.replace("\"class\":0", "\"class\":x").replace("\"class\":1", "\"class\":0");
    files.write("golden.json", golden.replace("\"class\":x", "\"class\":1"));
    files.write("model.onnx", changed(turned_round));
    assert!(matches!(store.reload(), Ok(Reload::Swapped)));
    assert_eq!(store.current().run(&row.array).unwrap(), [1 - row.class]);
}

#[test]
fn a_thread_that_ran_the_model_ends_in_peace() {
    let files = Files::new();
    let store = files.load().unwrap();
    let row = store.golden().rows()[0].clone();
    let run = move || store.current().run(&row.array).map(|classes| classes == [row.class]);
    assert!(std::thread::spawn(run).join().unwrap().unwrap());
}

/// Rows of the domain were answered when the model was loaded, others are run: a batch may hold both.
#[test]
fn a_row_outside_the_domain_changes_no_answer_beside_it() {
    let files = Files::new();
    let store = files.load().unwrap();
    let outside = vec![0.5; store.current().metadata().features];
    let alone = store.current().classify(&outside).unwrap();
    for row in store.golden().rows() {
        let batch = [row.array.as_slice(), &outside].concat();
        assert_eq!(store.current().classify(&batch).unwrap(), [row.class, alone[0]]);
    }
}
