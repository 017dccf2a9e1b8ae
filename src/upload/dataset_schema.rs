//! The schema of what a dataset holds already, as far as its listing tells it.

use super::mismatch::{Cast, CheckError, Outliers};
use crate::{
    schema::{Difference, DifferenceKind, Schema, diff},
    wire::messages::DatasetFile,
};

/// Compares the schema of a batch with that of the dataset.
///
/// # Errors
/// [`CheckError`] where they differ for certain.
pub(super) fn check_against_dataset(
    names: Vec<String>,
    schema: &Schema,
    listing: &[DatasetFile],
    dataset_id: &str,
) -> Result<(), CheckError> {
    let Some(summary) = listing.iter().find_map(|file| file.schema.as_ref()) else {
        return Ok(());
    };
    let held = Schema::from_summary(summary);
    let ours = Schema::from_summary(&schema.summary());
    let differences: Vec<_> = diff(&held, &ours).into_iter().filter(is_certain).collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(CheckError {
        file_count: names.len(),
        problems: Vec::new(),
        reference: vec![format!("the dataset {dataset_id}")],
        outliers: vec![Outliers { files: names, differences }],
        cast: Cast::NoUse,
        is_under_way: false,
    })
}

/// Services name types as they like; only names that leave no doubt are compared.
fn is_certain(difference: &Difference) -> bool {
    const PLAIN: [&str; 15] = [
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float",
        "double", "string", "binary", "date", "uuid",
    ];
    let is_plain = |words: &Option<String>| words.as_deref().is_some_and(|it| PLAIN.contains(&it));
    difference.kind != DifferenceKind::Type
        || (is_plain(&difference.expected) && is_plain(&difference.found))
}
