//! The schema of a dataset, as far as its listing shows it.

use std::collections::HashSet;

use super::mismatch::{Cast, CheckError, Outliers};
use crate::{
    schema::{Difference, DifferenceKind, Schema, diff},
    wire::messages::{DatasetFileList, SchemaSummary},
};

/// What messages call the dataset.
pub(super) const THE_DATASET: &str = "the dataset";

/// What is known about the schema of a dataset.
#[derive(Clone, Debug)]
pub enum Held {
    /// The dataset has no schema yet, or the server does not report it.
    Nothing,
    /// The complete schema, as this package's server reports it. The server accepts exactly the
    /// files with this schema.
    Schema(Schema),
    /// The top-level columns, with the server's names for their types.
    Summary(SchemaSummary),
}

impl Held {
    /// Reads the schema from a listing.
    pub(super) fn by(listing: Option<&DatasetFileList>) -> Self {
        let Some(listing) = listing else { return Self::Nothing };
        // This release may not be able to read the text that another release wrote.
        let schema = listing.dataset_schema.as_deref().and_then(|it| Schema::from_text(it).ok());
        let summary = || listing.files.iter().find_map(|file| file.schema.as_deref().cloned());
        match schema {
            Some(schema) => Self::Schema(schema),
            None => summary().map_or(Self::Nothing, Self::Summary),
        }
    }

    /// Compares the schema of a batch with the dataset's, if only a summary of that is known.
    ///
    /// # Errors
    /// [`CheckError`] if the schemas certainly differ.
    pub(super) fn check_summary(
        &self,
        names: Vec<String>,
        schema: &Schema,
    ) -> Result<(), CheckError> {
        let Self::Summary(summary) = self else { return Ok(()) };
        let held = Schema::from_summary(summary);
        let ours = Schema::from_summary(&schema.summary());
        let differences: Vec<_> = diff(&held, &ours).into_iter().filter(is_certain).collect();
        if differences.is_empty() {
            return Ok(());
        }
        let count = names.len();
        let outliers = Outliers { files: names, differences, without_values: HashSet::new() };
        let reference = vec![THE_DATASET.to_owned()];
        Err(CheckError::of_schemas(count, reference, vec![outliers], Cast::NoUse))
    }
}

/// Servers choose their own names for types, so only unambiguous names are compared.
fn is_certain(difference: &Difference) -> bool {
    if difference.kind != DifferenceKind::Type {
        return true;
    }
    let (Some(held), Some(ours)) = (&difference.expected, &difference.found) else { return true };
    let (held, ours) = (held.to_string(), ours.to_string());
    match (family(&held), family(&ours)) {
        // Within a family, plain names are compared: int32 and int64, float and double.
        (Some(held_family), Some(our_family)) if held_family == our_family => {
            is_plain(&held) && is_plain(&ours)
        }
        (Some(_), Some(_)) => true,
        _ => false,
    }
}

/// Names that mean the same on every server.
fn is_plain(words: &str) -> bool {
    const PLAIN: [&str; 14] = [
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float",
        "double", "string", "binary", "date",
    ];
    PLAIN.contains(&words)
}

/// Kinds of types that no server confuses, whatever it calls them. A column without a type may be
/// named after its storage type.
fn family(words: &str) -> Option<&'static str> {
    let begins = |with: &[&str]| with.iter().any(|with| words.starts_with(with));
    Some(match words {
        "bool" => "bool",
        "float" | "double" => "float",
        "string" | "binary" => "text",
        "date" => "date",
        _ if is_plain(words) => "integer",
        _ if begins(&["timestamp["]) => "timestamp",
        _ if begins(&["time["]) => "time",
        _ if begins(&["list<"]) => "list",
        _ if begins(&["struct<"]) => "struct",
        _ if begins(&["map<"]) => "map",
        _ => return None,
    })
}
