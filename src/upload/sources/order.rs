//! The order of paths, and their plain form.

use std::{
    cmp::Ordering,
    path::{Component, Path, PathBuf},
};

use alphanumeric_sort::compare_str;

/// Natural order: `part-2` before `part-10`. A total order, the same on every machine.
#[must_use]
pub fn natural_order(left: &str, right: &str) -> Ordering {
    compare_str(left, right).then_with(|| left.cmp(right))
}

/// The absolute path, without `.` and `..`. Links are not resolved.
pub(super) fn lexical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if !absolute.components().any(|step| step == Component::ParentDir) {
        return absolute;
    }
    let mut plain = PathBuf::new();
    for step in absolute.components() {
        match step {
            Component::ParentDir => {
                plain.pop();
            }
            step => plain.push(step),
        }
    }
    plain
}
