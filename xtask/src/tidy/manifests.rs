//! Every crate takes its settings, its lints and the versions of its dependencies from the root `Cargo.toml`, so that
//! each is decided once.
//!
//! A manifest with a `[workspace]` of its own is exempt: it is a workspace, and cannot inherit from another.

use toml::{Table, Value};

use super::Finding;
use super::files::Files;

const ROOT: &str = "Cargo.toml";

/// Keys of `[package]` that a crate takes from the workspace.
const INHERITED: [&str; 6] = ["edition", "license", "publish", "repository", "rust-version", "version"];

const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    let mut declared = Vec::new();
    for (path, text) in files.ending(&["Cargo.toml"]) {
        match text.parse::<Table>() {
            Err(error) => findings.push(Finding::file(path, format!("not TOML: {}", error.message()))),
            Ok(manifest) if path == ROOT => declared = workspace_dependencies(&manifest, &mut findings),
            Ok(manifest) if manifest.contains_key("workspace") => {}
            Ok(manifest) => member(path, &manifest, &mut used, &mut findings),
        }
    }
    for name in declared.iter().filter(|name| !used.contains(name)) {
        findings.push(Finding::file(
            ROOT,
            format!("no crate uses `{name}` of [workspace.dependencies]; remove it"),
        ));
    }
    findings
}

/// The names in `[workspace.dependencies]`; each must say an exact place to get it from: the registry or a folder.
fn workspace_dependencies(manifest: &Table, findings: &mut Vec<Finding>) -> Vec<String> {
    let dependencies = manifest.get("workspace").and_then(|workspace| table(workspace.get("dependencies")?));
    let Some(dependencies) = dependencies else { return Vec::new() };
    for (name, dependency) in dependencies {
        let version = dependency.as_str().or_else(|| dependency.get("version")?.as_str());
        if version.is_none_or(|version| version.contains('*')) && dependency.get("path").is_none() {
            findings.push(Finding::file(ROOT, format!("`{name}` needs a version of the registry, in full")));
        }
    }
    dependencies.keys().cloned().collect()
}

/// A crate of the workspace.
fn member(path: &str, manifest: &Table, used: &mut Vec<String>, findings: &mut Vec<Finding>) {
    let mut wrong = |wrong: String| findings.push(Finding::file(path, wrong));
    if !inherits(manifest.get("lints")) {
        wrong("write `[lints]` with `workspace = true`".to_owned());
    }
    for key in INHERITED {
        if !inherits(manifest.get("package").and_then(|package| package.get(key))) {
            wrong(format!("write `{key}.workspace = true` in [package]"));
        }
    }
    let targets =
        manifest.get("target").and_then(table).into_iter().flat_map(Table::values).filter_map(table);
    for place in std::iter::once(manifest).chain(targets) {
        for (name, dependency) in
            DEPENDENCIES.iter().filter_map(|kind| table(place.get(*kind)?)).flat_map(Table::iter)
        {
            used.push(name.clone());
            if !inherits(Some(dependency)) {
                wrong(format!(
                    "write `{name}.workspace = true`, and its version in the root's [workspace.dependencies]"
                ));
            }
        }
    }
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

fn table(value: &Value) -> Option<&Table> {
    value.as_table()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    const PACKAGE: &str = "[package]\nname = \"a\"\nedition.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\nrepository.workspace = true\nrust-version.workspace = true\nversion.workspace = true\n";
    const LINTS: &str = "[lints]\nworkspace = true\n";
    const WORKSPACE: &str = "[workspace.dependencies]\nserde = \"1.0.0\"\n";

    #[test]
    fn a_crate_that_inherits_everything_is_fine() {
        let member = format!(
            "{PACKAGE}{LINTS}[dependencies]\nserde = {{ workspace = true, features = [\"derive\"] }}\n"
        );
        assert!(findings(check, &[("Cargo.toml", WORKSPACE), ("a/Cargo.toml", &member)]).is_empty());
    }

    #[test]
    fn lints_and_settings_of_its_own_are_found() {
        let member = PACKAGE.replace("edition.workspace = true", "edition = \"2021\"");
        assert_eq!(
            findings(check, &[("a/Cargo.toml", &member)]),
            [
                "a/Cargo.toml: write `[lints]` with `workspace = true`",
                "a/Cargo.toml: write `edition.workspace = true` in [package]",
            ]
        );
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_kind_of_dependency() {
        for kind in
            ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            let member = format!("{PACKAGE}{LINTS}[{kind}]\nserde = \"1\"\n");
            let found = findings(check, &[("a/Cargo.toml", &member)]);
            assert!(found.len() == 1 && found[0].contains("`serde.workspace = true`"), "{kind}: {found:?}");
        }
    }

    #[test]
    fn the_root_names_exact_versions_and_only_what_is_used() {
        let root = "[workspace.dependencies]\na = \"*\"\nb = { git = \"https://example.org/b\" }\n";
        let found = findings(check, &[("Cargo.toml", root)]);
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn a_workspace_of_its_own_is_exempt() {
        assert!(
            findings(check, &[("fuzz/Cargo.toml", "[workspace]\n[package]\nname = \"fuzz\"\n")]).is_empty()
        );
    }
}
