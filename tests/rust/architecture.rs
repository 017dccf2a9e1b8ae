//! The map of `docs/architecture.md`, kept true: modules import downwards only.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::module_graph::ModuleGraph;

const MOST_LINES: usize = 400;

/// Each layer and the top-level modules that it may import.
const LAYERS: [(&str, &[&str]); 22] = [
    ("array_layout", &[]),
    ("config", &[]),
    ("credentials", &["config"]),
    ("message", &[]),
    ("hint", &[]),
    ("location", &[]),
    ("lock", &[]),
    ("error", &["config", "hint", "location", "message"]),
    ("object_stores", &["error", "message"]),
    ("background", &["error"]),
    ("read_at", &[]),
    ("regular_file", &[]),
    ("temporary_file", &["error"]),
    ("schema", &["config", "error", "read_at", "wire"]),
    ("xxh3", &[]),
    ("wire", &["config", "error", "message", "xxh3"]),
    ("content_hash", &["wire", "xxh3"]),
    (
        "source",
        &[
            "background",
            "config",
            "content_hash",
            "error",
            "location",
            "lock",
            "object_stores",
            "read_at",
            "regular_file",
            "temporary_file",
            "wire",
            "xxh3",
        ],
    ),
    (
        "client",
        &[
            "background",
            "config",
            "content_hash",
            "credentials",
            "error",
            "location",
            "lock",
            "message",
            "regular_file",
            "schema",
            "source",
            "temporary_file",
            "wire",
        ],
    ),
    (
        "dataset_reader",
        &[
            "array_layout",
            "background",
            "config",
            "error",
            "hint",
            "message",
            "read_at",
            "schema",
            "wire",
            "client",
        ],
    ),
    (
        "upload",
        &[
            "array_layout",
            "background",
            "config",
            "content_hash",
            "credentials",
            "error",
            "hint",
            "location",
            "lock",
            "message",
            "regular_file",
            "schema",
            "source",
            "temporary_file",
            "wire",
            "client",
            "xxh3",
        ],
    ),
    (
        "service",
        &[
            "config",
            "content_hash",
            "credentials",
            "error",
            "lock",
            "message",
            "object_stores",
            "schema",
            "wire",
        ],
    ),
];

#[test]
fn modules_import_downwards_only() {
    for (layer, below) in LAYERS {
        for (path, text) in sources_of(layer) {
            for imported in imports(&text) {
                let is_allowed = imported == layer || below.contains(&imported.as_str());
                assert!(is_allowed, "{} imports crate::{imported}", path.display());
            }
        }
    }
}

#[test]
fn every_module_has_its_layer() {
    let graph = ModuleGraph::read(&root().join("src"));
    let mut layers: BTreeSet<_> = LAYERS.iter().map(|(layer, _)| *layer).collect();
    // It sits on top, and sees all of them.
    layers.insert("python");
    assert_eq!(graph.top_level(), layers);
}

#[test]
fn the_core_knows_nothing_of_python() {
    for (layer, _) in LAYERS {
        for (path, text) in sources_of(layer) {
            assert!(!text.contains("pyo3"), "{} mentions pyo3", path.display());
        }
    }
}

#[test]
fn no_module_is_too_long_to_read() {
    for folder in ["src", "tests", "python", "examples"] {
        for path in files_below(&root().join(folder)) {
            if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
                let lines = fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
            }
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Path and text of a layer, which is a file or a folder.
fn sources_of(layer: &str) -> Vec<(PathBuf, String)> {
    let file = root().join("src").join(format!("{layer}.rs"));
    let paths =
        if file.exists() { vec![file] } else { files_below(&root().join("src").join(layer)) };
    assert!(!paths.is_empty(), "no module {layer}");
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Top-level modules named in `crate::…`, also inside of `use crate::{…}`.
fn imports(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut modules = Vec::new();
    for (index, _) in text.match_indices("crate::") {
        if index > 0 && text.as_bytes()[index - 1].is_ascii_alphanumeric() {
            continue;
        }
        let after = &text[index + "crate::".len()..];
        if let Some(group) = after.strip_prefix('{') {
            modules.extend(top_level_names(group).iter().map(|name| word(name)));
        } else {
            modules.push(word(after));
        }
    }
    // `crate::Error` and `crate::Result` are the error module's.
    modules.retain(|module| module.starts_with(char::is_lowercase));
    modules
}

fn top_level_names(group: &str) -> Vec<String> {
    let (mut names, mut depth) = (vec![String::new()], 0);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    names.into_iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn imports_are_found_in_all_their_forms() {
    let text =
        "use crate::client::X; use crate::{config::{A, b::C}, wire, Error}; crate::schema::f()";
    assert_eq!(imports(text), ["client", "config", "wire", "schema"]);
}
