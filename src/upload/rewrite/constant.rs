//! A column with one value in all rows.

use parquet::{
    data_type::{BoolType, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::{ParquetError, Result},
    file::writer::SerializedColumnWriter,
};

use crate::{
    config::BATCH_ROWS,
    schema::{AddedColumn, Value},
};

/// Writes the column for a row group of `rows`.
pub(super) fn write_constant(
    column: &AddedColumn,
    rows: i64,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    let rows = usize::try_from(rows).map_err(|_| {
        ParquetError::General("a row group has a negative number of rows".to_owned())
    })?;
    match &column.value {
        None => write_nulls(column, rows, writer),
        Some(Value::Bool(value)) => repeat::<BoolType>(value, rows, writer),
        Some(Value::Int32(value)) => repeat::<Int32Type>(value, rows, writer),
        Some(Value::Int64(value)) => repeat::<Int64Type>(value, rows, writer),
        Some(Value::Double(value)) => repeat::<DoubleType>(value, rows, writer),
        Some(Value::Bytes(value)) => repeat::<ByteArrayType>(value, rows, writer),
    }
}

fn repeat<T: DataType>(
    value: &T::T,
    rows: usize,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    in_batches::<T>(rows, writer, |count| (vec![value.clone(); count], vec![1; count]))
}

fn write_nulls(
    column: &AddedColumn,
    rows: usize,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    use crate::schema::ColumnType::{Bool, Date, Double, Int32, Int64, String, Timestamp};
    match column.column_type {
        Bool => nulls::<BoolType>(rows, writer),
        Date | Int32 => nulls::<Int32Type>(rows, writer),
        Int64 | Timestamp => nulls::<Int64Type>(rows, writer),
        Double => nulls::<DoubleType>(rows, writer),
        String => nulls::<ByteArrayType>(rows, writer),
    }
}

fn nulls<T: DataType>(rows: usize, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
    in_batches::<T>(rows, writer, |count| (Vec::new(), vec![0; count]))
}

/// `batch` writes the values and definition levels of a number of rows.
fn in_batches<T: DataType>(
    rows: usize,
    writer: &mut SerializedColumnWriter<'_>,
    batch: impl Fn(usize) -> (Vec<T::T>, Vec<i16>),
) -> Result<()> {
    let writer = writer.typed::<T>();
    let mut left = rows;
    while left > 0 {
        let count = left.min(BATCH_ROWS);
        let (values, definition) = batch(count);
        writer.write_batch(&values, Some(&definition), None)?;
        left -= count;
    }
    Ok(())
}
