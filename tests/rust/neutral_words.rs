//! The core says what failed in words that suit Rust, Python and the command: hints, which each of
//! them words for itself, take the place of arguments and options.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::rust_paths::literals;

/// Arguments that other libraries call as `sutro` does: the texts are about those libraries, or are
/// part of a protocol.
const OF_OTHERS: [(&str, &str); 4] = [
    ("client/body.rs", "name="),
    ("schema/advice.rs", "columns="),
    ("service/receive/common_mistakes.rs", "files="),
    ("source/remote/hub.rs", "recursive="),
];

/// Modules that are compiled for tests only.
const OF_TESTS: [&str; 2] = ["service/kept_schemas.rs", "upload/sources/tests.rs"];

#[test]
fn no_text_of_the_core_names_an_argument_or_a_function_of_python_or_an_option_of_the_command() {
    let names = names();
    for known in
        ["on_mismatch=", "ordered=", "list_dataset_files", "--on-mismatch", "--max-uploads"]
    {
        assert!(names.contains(known), "{known} was not found");
    }
    let mut texts = 0;
    for path in files_below(&root().join("src")) {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let relative = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap();
        if relative.starts_with("python/") || OF_TESTS.contains(&relative) {
            continue;
        }
        for literal in literals(&fs::read_to_string(&path).unwrap()) {
            texts += 1;
            let found = words_of(&literal);
            let is_ours = |word: &&String| {
                names.contains(*word) && !OF_OTHERS.contains(&(relative, word.as_str()))
            };
            assert_eq!(found.iter().find(is_ours), None, "{relative}: {literal}");
        }
    }
    assert!(texts > 1_000, "{texts} texts were found");
}

/// `recursive=`, `list_dataset_files` and `--overwrite`.
fn names() -> BTreeSet<String> {
    let python = root().join("python/sutro");
    let mut names = BTreeSet::new();
    for module in ["client.py", "uploads.py", "local.py"] {
        let text = fs::read_to_string(python.join(module)).unwrap();
        for definition in text.split("    def ").skip(1) {
            // An overload has the names of its function.
            let Some((signature, _)) = definition.split_once(":\n") else { continue };
            let (function, parameters) = signature.split_once('(').unwrap();
            if function.contains('_') && !function.starts_with('_') {
                names.insert(function.to_owned());
            }
            names.extend(parameters.split(": ").filter_map(|before| {
                let name = before.rsplit(|c: char| !is_of_a_word(c)).next()?;
                (!name.is_empty()).then(|| format!("{name}="))
            }));
        }
    }
    for path in files_below(&python.join("cli"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "py"))
    {
        let text = fs::read_to_string(path).unwrap();
        names.extend(
            words_of(&text).into_iter().filter(|word| word.len() > 2 && word.starts_with("--")),
        );
    }
    names
}

/// Identifiers, with the `=` behind them, and options.
fn words_of(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_option = rest.starts_with("--");
        let is_part = |c: char| is_of_a_word(c) || (is_option && c == '-');
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (word, behind) = rest.split_at(length);
        let equals = if behind.starts_with('=') && !is_option { "=" } else { "" };
        words.insert(format!("{word}{equals}"));
        rest = behind;
    }
    words
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn arguments_functions_and_options_are_found_in_a_text() {
    let words = words_of(r#""x; names=\"path\" or --no-hive, see list_datasets""#);
    for word in ["names=", "--no-hive", "list_datasets"] {
        assert!(words.contains(word), "{word} is not in {words:?}");
    }
}
