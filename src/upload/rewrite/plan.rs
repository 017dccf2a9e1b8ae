//! Plans where each column of a rewritten file comes from, and what its metadata says about the
//! schema.

use std::sync::Arc;

use arrow_schema::{Field, Schema as ArrowSchema};
use parquet::{
    arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema},
    errors::{ParquetError, Result},
    file::metadata::{FileMetaData, KeyValue},
    schema::types::{Type, TypePtr},
};

use super::levels::{Leaf, leaves};
use crate::schema::{AddedColumn, Footer, have_one_type, leaf_count, type_words, with_columns};

/// Where a column comes from.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Copied(Leaf),
    Added(&'a AddedColumn),
}

/// The columns of `target`, in order, for a file with the schema `found` and its added columns.
pub(super) fn sources<'a>(
    target: &TypePtr,
    found: &TypePtr,
    footer: &'a Footer,
) -> Result<Vec<Source<'a>>> {
    let (added, without_values) = (&footer.added[..], &footer.without_values[..]);
    if added.is_empty() {
        return Ok(leaves(target, found, without_values)?
            .into_iter()
            .map(Source::Copied)
            .collect());
    }
    let added_as = |field: &Type| added.iter().find(|column| column.name == field.name());
    let fields = target.get_fields();
    let kept = fields.iter().filter(|field| added_as(field).is_none()).cloned().collect();
    let kept = Arc::new(Type::group_type_builder(target.name()).with_fields(kept).build()?);
    let mut copied = leaves(&kept, found, without_values)?.into_iter();
    let mut sources = Vec::new();
    for field in fields {
        match added_as(field) {
            Some(column) => {
                ensure_same_type(field, column)?;
                sources.push(Source::Added(column));
            }
            None => sources.extend(copied.by_ref().take(leaf_count(field)).map(Source::Copied)),
        }
    }
    Ok(sources)
}

/// The types differ if another file has the column in another type, to which all files are cast.
fn ensure_same_type(target: &Type, column: &AddedColumn) -> Result<()> {
    let root = Type::group_type_builder("root").build()?;
    let made = with_columns(&root, std::slice::from_ref(column))?;
    let is_same = made.get_fields().first().is_some_and(|made| have_one_type(made, target));
    if is_same {
        return Ok(());
    }
    let (name, words) = (&column.name, type_words(target));
    Err(ParquetError::General(format!(
        "column '{name}' is {} in its folder, but {words} in other files",
        column.column_type.name()
    )))
}

/// Returns another tool's metadata, changed to match the added columns. Only Arrow's schema has to
/// change: it keeps types that Parquet does not have. The metadata of pandas names only its own
/// columns.
pub(super) fn with_added(
    note: &KeyValue,
    file: &FileMetaData,
    added: &[AddedColumn],
) -> Option<KeyValue> {
    if note.key != ARROW_SCHEMA_META_KEY || added.is_empty() {
        return Some(note.clone());
    }
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).ok()?;
    let field =
        |column: &AddedColumn| Arc::new(Field::new(&column.name, column.column_type.arrow(), true));
    let fields: Vec<_> = schema.fields().iter().cloned().chain(added.iter().map(field)).collect();
    let schema = ArrowSchema::new_with_metadata(fields, schema.metadata().clone());
    Some(KeyValue::new(note.key.clone(), encode_arrow_schema(&schema)))
}
