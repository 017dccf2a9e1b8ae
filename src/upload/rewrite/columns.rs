//! Copies one column of a row group, batch by batch. If the types differ, values are converted,
//! without loss.

use std::ops::Range;

use parquet::{
    basic::Type as Physical,
    column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader},
    data_type::{
        BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
        Int64Type, Int96Type,
    },
    errors::{ParquetError, Result},
    file::writer::SerializedColumnWriter,
    schema::types::Type,
};

use super::{
    levels::Leaf,
    physical::Stored,
    value::{Conversion, Value},
};
use crate::{config::BATCH_ROWS, schema::Number};

const ALL_ROWS: Range<usize> = 0..usize::MAX;

pub(super) fn copy_column(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    if leaf.is_empty {
        return copy_nulls(reader, leaf, writer);
    }
    let numbers = Number::of(&leaf.source).zip(Number::of(&leaf.target));
    let is_same = length_of(&leaf.source) == length_of(&leaf.target)
        && leaf.source.get_physical_type() == leaf.target.get_physical_type();
    match numbers.and_then(|(from, to)| Conversion::new(from, to)) {
        Some(conversion) if conversion.from != conversion.to || !is_same => {
            convert_column(reader, leaf, conversion, writer)
        }
        _ if is_same => copy_rows(reader, leaf, ALL_ROWS, writer),
        _ => Err(ParquetError::General(format!("column '{}' cannot be cast", leaf.path))),
    }
}

/// The length of each value, for fixed-length types.
fn length_of(leaf: &Type) -> i32 {
    match leaf {
        Type::PrimitiveType {
            physical_type: Physical::FIXED_LEN_BYTE_ARRAY, type_length, ..
        } => *type_length,
        _ => 0,
    }
}

/// Copies some rows of a column whose type does not change.
pub(super) fn copy_rows(
    reader: ColumnReader,
    leaf: &Leaf,
    rows: Range<usize>,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    match leaf.source.get_physical_type() {
        Physical::BOOLEAN => same::<BoolType>(reader, leaf, rows, writer),
        Physical::INT32 => same::<Int32Type>(reader, leaf, rows, writer),
        Physical::INT64 => same::<Int64Type>(reader, leaf, rows, writer),
        Physical::INT96 => same::<Int96Type>(reader, leaf, rows, writer),
        Physical::FLOAT => same::<FloatType>(reader, leaf, rows, writer),
        Physical::DOUBLE => same::<DoubleType>(reader, leaf, rows, writer),
        Physical::BYTE_ARRAY => same::<ByteArrayType>(reader, leaf, rows, writer),
        Physical::FIXED_LEN_BYTE_ARRAY => same::<FixedLenByteArrayType>(reader, leaf, rows, writer),
    }
}

fn same<T: DataType>(
    reader: ColumnReader,
    leaf: &Leaf,
    rows: Range<usize>,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    copy::<T>(reader, leaf, rows, |values, levels| levels.write::<T>(&values, leaf, writer))
}

/// Writes only levels. The type of a column without values does not matter.
fn copy_nulls(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    match leaf.source.get_physical_type() {
        Physical::BOOLEAN => nulls::<BoolType>(reader, leaf, writer),
        Physical::INT32 => nulls::<Int32Type>(reader, leaf, writer),
        Physical::INT64 => nulls::<Int64Type>(reader, leaf, writer),
        Physical::INT96 => nulls::<Int96Type>(reader, leaf, writer),
        Physical::FLOAT => nulls::<FloatType>(reader, leaf, writer),
        Physical::DOUBLE => nulls::<DoubleType>(reader, leaf, writer),
        Physical::BYTE_ARRAY => nulls::<ByteArrayType>(reader, leaf, writer),
        Physical::FIXED_LEN_BYTE_ARRAY => nulls::<FixedLenByteArrayType>(reader, leaf, writer),
    }
}

fn nulls<T: DataType>(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    copy::<T>(reader, leaf, ALL_ROWS, |values, levels| match values.first() {
        Some(value) => Err(lost(leaf, &format!("{value:?}"))),
        None => levels.write_values(&[], leaf, None, writer),
    })
}

fn convert_column(
    reader: ColumnReader,
    leaf: &Leaf,
    conversion: Conversion,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    match leaf.source.get_physical_type() {
        Physical::INT32 => converted::<Int32Type>(reader, leaf, conversion, writer),
        Physical::INT64 => converted::<Int64Type>(reader, leaf, conversion, writer),
        Physical::INT96 => converted::<Int96Type>(reader, leaf, conversion, writer),
        Physical::FLOAT => converted::<FloatType>(reader, leaf, conversion, writer),
        Physical::DOUBLE => converted::<DoubleType>(reader, leaf, conversion, writer),
        Physical::BYTE_ARRAY => converted::<ByteArrayType>(reader, leaf, conversion, writer),
        Physical::FIXED_LEN_BYTE_ARRAY => {
            converted::<FixedLenByteArrayType>(reader, leaf, conversion, writer)
        }
        Physical::BOOLEAN => Err(lost(leaf, "true or false")),
    }
}

fn converted<T: Stored>(
    reader: ColumnReader,
    leaf: &Leaf,
    conversion: Conversion,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    copy::<T>(reader, leaf, ALL_ROWS, |values, levels| {
        let convert = |stored: &T::T| {
            let value = T::load(stored, conversion.from);
            let value = value.ok_or_else(|| lost(leaf, &format!("{stored:?}")))?;
            conversion.convert(value).ok_or_else(|| lost(leaf, &conversion.words(value)))
        };
        let values = values.iter().map(convert).collect::<Result<Vec<_>>>()?;
        levels.write_values(&values, leaf, Some(conversion.to), writer)
    })
}

/// The levels of a batch, as the target counts them.
struct Levels {
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl Levels {
    fn write_values(
        &self,
        values: &[Value],
        leaf: &Leaf,
        number: Option<Number>,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<()> {
        match leaf.target.get_physical_type() {
            Physical::BOOLEAN => self.write::<BoolType>(&[], leaf, writer),
            Physical::INT32 => self.store::<Int32Type>(values, leaf, number, writer),
            Physical::INT64 => self.store::<Int64Type>(values, leaf, number, writer),
            Physical::INT96 => self.store::<Int96Type>(values, leaf, number, writer),
            Physical::FLOAT => self.store::<FloatType>(values, leaf, number, writer),
            Physical::DOUBLE => self.store::<DoubleType>(values, leaf, number, writer),
            Physical::BYTE_ARRAY => self.store::<ByteArrayType>(values, leaf, number, writer),
            Physical::FIXED_LEN_BYTE_ARRAY => {
                self.store::<FixedLenByteArrayType>(values, leaf, number, writer)
            }
        }
    }

    fn store<T: Stored>(
        &self,
        values: &[Value],
        leaf: &Leaf,
        number: Option<Number>,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<()> {
        let length = length_of(&leaf.target);
        let store = |value: &Value| {
            number
                .and_then(|number| T::store(*value, number, length))
                .ok_or_else(|| lost(leaf, &format!("{value:?}")))
        };
        let values = values.iter().map(store).collect::<Result<Vec<_>>>()?;
        self.write::<T>(&values, leaf, writer)
    }

    fn write<T: DataType>(
        &self,
        values: &[T::T],
        leaf: &Leaf,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<()> {
        writer.typed::<T>().write_batch(
            values,
            leaf.is_nullable.then_some(&self.definition),
            leaf.is_repeated.then_some(&self.repetition),
        )?;
        Ok(())
    }
}

fn lost(leaf: &Leaf, value: &str) -> ParquetError {
    let (path, target) = (&leaf.path, leaf.target_words());
    ParquetError::General(format!(
        "column '{path}' has the value {value}, which cannot be a {target} without loss"
    ))
}

/// Reads rows of a column and passes its values and levels to `write`, batch by batch.
fn copy<T: DataType>(
    reader: ColumnReader,
    leaf: &Leaf,
    rows: Range<usize>,
    mut write: impl FnMut(Vec<T::T>, Levels) -> Result<()>,
) -> Result<()> {
    let mut reader: ColumnReaderImpl<T> = get_typed_column_reader(reader);
    let mut left = rows.len();
    reader.skip_records(rows.start)?;
    loop {
        let (mut definition, mut repetition, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (records, _, levels) = reader.read_records(
            BATCH_ROWS.min(left),
            Some(&mut definition),
            Some(&mut repetition),
            &mut values,
        )?;
        if records == 0 && levels == 0 {
            return Ok(());
        }
        left -= records;
        let definition = target_levels(leaf, &definition, levels)?;
        // Where the target has a list, the source has plain nulls: each is one record.
        repetition.resize(levels, 0);
        write(values, Levels { definition, repetition })?;
    }
}

fn target_levels(leaf: &Leaf, definition: &[i16], levels: usize) -> Result<Vec<i16>> {
    let target = |level: Option<&Option<i16>>| match level {
        Some(Some(level)) => Ok(*level),
        Some(None) => Err(ParquetError::General(format!(
            "column '{}' has nulls, but the target column is required",
            leaf.path
        ))),
        None => Err(ParquetError::General("its definition levels are damaged".to_owned())),
    };
    if let [always] = leaf.definition[..] {
        return Ok(vec![target(Some(&always))?; levels]);
    }
    let level = |&level: &i16| {
        target(usize::try_from(level).ok().and_then(|level| leaf.definition.get(level)))
    };
    definition.iter().map(level).collect()
}
