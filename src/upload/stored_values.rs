//! Converts a frame's values to the types that they are stored in, without changing any value.

use arrow_array::{
    Array, ArrayRef, PrimitiveArray, RecordBatch,
    cast::AsArray,
    types::{Decimal128Type, Decimal256Type, DecimalType},
};
use arrow_schema::{ArrowError, DataType, Field};

use super::storage::{Storage, in_words};
use crate::{array_layout::with_type, error::FrameColumn};

/// A value that its column's type in the file cannot hold.
pub(super) struct StoreError {
    pub(super) column: FrameColumn,
    /// Counted from the first row of the batch.
    pub(super) row: usize,
    pub(super) problem: String,
}

/// Returns `rows` in the types that are written.
///
/// # Errors
/// [`StoreError`] for a value that would change: a date with a time of day, seconds beyond the
/// range of milliseconds, more digits than the precision of its decimal type.
pub(super) fn stored(rows: &RecordBatch, storage: &Storage) -> Result<RecordBatch, StoreError> {
    let fields = storage.layout.fields().iter().zip(storage.schema.fields());
    let columns = rows.columns().iter().zip(fields);
    let columns = columns
        .map(|(column, (layout, stored))| {
            let failed = |row, problem| {
                let data_type = layout.data_type().to_string();
                let column = FrameColumn { path: layout.name().clone(), data_type };
                StoreError { column, row, problem }
            };
            let column = with_type(column, layout.data_type())
                .map_err(|error| failed(0, in_words(&error.to_string())))?;
            if let Some((row, problem)) = oversized_decimal(&column) {
                return Err(failed(row, problem));
            }
            if layout.data_type() == stored.data_type() {
                return Ok(column);
            }
            in_units(&column, stored).map_err(|(row, problem)| failed(row, problem))
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(storage.schema.clone(), columns).map_err(|error| {
        let column = FrameColumn { path: String::new(), data_type: String::new() };
        StoreError { column, row: 0, problem: error.to_string() }
    })
}

/// Converts there and back: a value that does not fit changes or becomes null.
fn in_units(column: &ArrayRef, stored: &Field) -> Result<ArrayRef, (usize, String)> {
    let words = |error: ArrowError| (0, in_words(&error.to_string()));
    let converted = with_type(column, stored.data_type()).map_err(words)?;
    let back = with_type(&converted, column.data_type()).map_err(words)?;
    if *back == **column {
        return Ok(converted);
    }
    let row = (0..column.len()).find(|&row| *back.slice(row, 1) != *column.slice(row, 1));
    let problem = format!("the value does not fit {} unchanged", stored.data_type());
    Err((row.unwrap_or_default(), problem))
}

/// Finds the first value with more digits than its type has. Arrow does not check this when arrays
/// are created, and the writer would truncate the number.
fn oversized_decimal(column: &ArrayRef) -> Option<(usize, String)> {
    let children: Vec<&ArrayRef> = match column.data_type() {
        DataType::Decimal128(precision, _) => {
            return oversized(column.as_primitive::<Decimal128Type>(), *precision);
        }
        DataType::Decimal256(precision, _) => {
            return oversized(column.as_primitive::<Decimal256Type>(), *precision);
        }
        DataType::Struct(_) => column.as_struct().columns().iter().collect(),
        DataType::List(_) => vec![column.as_list::<i32>().values()],
        DataType::LargeList(_) => vec![column.as_list::<i64>().values()],
        DataType::FixedSizeList(..) => vec![column.as_fixed_size_list().values()],
        DataType::Map(..) => vec![column.as_map().keys(), column.as_map().values()],
        _ => return None,
    };
    children.into_iter().find_map(oversized_decimal).map(|(_, problem)| (0, problem))
}

fn oversized<T: DecimalType>(values: &PrimitiveArray<T>, precision: u8) -> Option<(usize, String)> {
    values.validate_decimal_precision(precision).err()?;
    let is_oversized =
        |&row: &usize| values.slice(row, 1).validate_decimal_precision(precision).is_err();
    let row = (0..values.len()).find(is_oversized).unwrap_or_default();
    Some((row, format!("the value has more than the {precision} digits of its type")))
}
