//! Derives names in the dataset from paths.

use std::path::{Component, Path};

use super::left_out::has_parquet_name;

/// Replaces `/` between the parts of a path, because names cannot contain it.
const SEPARATOR: &str = ",";

/// Joins all parts of `path` below `folder`.
pub(super) fn of_path(path: &Path, folder: &Path) -> Option<String> {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let steps = below.components().filter(|step| matches!(step, Component::Normal(_)));
    let steps: Option<Vec<_>> = steps.map(|step| step.as_os_str().to_str()).collect();
    Some(steps?.join(SEPARATOR))
}

/// The last part of a path. A file in a folder `*.parquet` below the source's folder is part of a
/// table, so its name begins with the folder: `a.parquet,part-0.parquet`.
pub(super) fn default_name(path: &Path, root: &Path) -> Option<String> {
    let folders = path.parent()?.ancestors().take_while(|folder| *folder != root);
    let table = folders.filter(|folder| has_parquet_name(folder)).last();
    let below = table.filter(|table| table.starts_with(root)).and_then(Path::parent);
    of_path(path, below.or_else(|| path.parent())?)
}
