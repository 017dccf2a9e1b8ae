//! Names in the dataset, made of paths.

use std::path::{Component, Path};

use super::left_out::has_parquet_name;

/// Between the steps of a path in a name: a name cannot have `/`.
const SEPARATOR: &str = ",";

/// A name that is made of all steps of `path` below `folder`.
pub(super) fn of_path(path: &Path, folder: &Path) -> Option<String> {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let steps = below.components().filter(|step| matches!(step, Component::Normal(_)));
    let steps: Option<Vec<_>> = steps.map(|step| step.as_os_str().to_str()).collect();
    Some(steps?.join(SEPARATOR))
}

/// The last step of a path. A file in a folder called `*.parquet` below the source's folder
/// is one part of a table, and so has the steps from there on: `a.parquet,part-0.parquet`.
pub(super) fn default_name(path: &Path, root: &Path) -> Option<String> {
    let folders = path.parent()?.ancestors().take_while(|folder| *folder != root);
    let table = folders.filter(|folder| has_parquet_name(folder)).last();
    let below = table.filter(|table| table.starts_with(root)).and_then(Path::parent);
    of_path(path, below.or_else(|| path.parent())?)
}
