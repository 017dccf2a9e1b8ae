//! One column of a row group, copied batch by batch, its values converted where the types
//! differ and nothing is lost.

use parquet::{
    basic::Type as Physical,
    column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader},
    data_type::{
        BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
        Int64Type, Int96Type,
    },
    errors::{ParquetError, Result},
    file::writer::SerializedColumnWriter,
};

use super::levels::Leaf;
use crate::{
    config::BATCH_ROWS,
    schema::{Number, is_null},
};

pub(super) fn copy_column(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    let (from, to) = (leaf.source.get_physical_type(), leaf.target.get_physical_type());
    if is_null(&leaf.source) {
        return copy_nulls(reader, leaf, writer);
    }
    let numbers = (Number::of(&leaf.source), Number::of(&leaf.target));
    let factor = numbers.0.zip(numbers.1).map_or(1, |(from, to)| factor(from, to));
    let is_signed = !matches!(numbers.0, Some(Number::Integer { is_signed: false, .. }));
    let from_int32 = move |value: i32| {
        if is_signed { i64::from(value) } else { i64::from(value.cast_unsigned()) }
    };
    match (from, to) {
        (Physical::INT32, Physical::INT64) => {
            copy::<Int32Type, Int64Type>(reader, leaf, writer, |value| {
                from_int32(*value).checked_mul(factor)
            })
        }
        (Physical::INT64, Physical::INT64) => {
            copy::<Int64Type, Int64Type>(reader, leaf, writer, |value| value.checked_mul(factor))
        }
        (Physical::INT32, Physical::FLOAT) => {
            copy::<Int32Type, FloatType>(reader, leaf, writer, |value| {
                exact_f32(from_int32(*value))
            })
        }
        (Physical::INT32, Physical::DOUBLE) => {
            copy::<Int32Type, DoubleType>(reader, leaf, writer, |value| {
                exact_f64(i128::from(from_int32(*value)))
            })
        }
        (Physical::INT64, Physical::DOUBLE) => {
            copy::<Int64Type, DoubleType>(reader, leaf, writer, |value| {
                let value =
                    if is_signed { i128::from(*value) } else { i128::from(value.cast_unsigned()) };
                exact_f64(value)
            })
        }
        (Physical::FLOAT, Physical::DOUBLE) => {
            copy::<FloatType, DoubleType>(reader, leaf, writer, |value| Some(f64::from(*value)))
        }
        (from, to) if from == to => copy_unchanged(reader, leaf, writer),
        _ => Err(ParquetError::General(format!("column '{}' cannot be cast", leaf.path))),
    }
}

fn copy_unchanged(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    match leaf.source.get_physical_type() {
        Physical::BOOLEAN => same::<BoolType>(reader, leaf, writer),
        Physical::INT32 => same::<Int32Type>(reader, leaf, writer),
        Physical::INT64 => same::<Int64Type>(reader, leaf, writer),
        Physical::INT96 => same::<Int96Type>(reader, leaf, writer),
        Physical::FLOAT => same::<FloatType>(reader, leaf, writer),
        Physical::DOUBLE => same::<DoubleType>(reader, leaf, writer),
        Physical::BYTE_ARRAY => same::<ByteArrayType>(reader, leaf, writer),
        Physical::FIXED_LEN_BYTE_ARRAY => same::<FixedLenByteArrayType>(reader, leaf, writer),
    }
}

fn same<T: DataType>(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    copy::<T, T>(reader, leaf, writer, |value| Some(value.clone()))
}

/// The type of a column without values says nothing; its levels do.
fn copy_nulls(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<()> {
    match leaf.target.get_physical_type() {
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
    match leaf.source.get_physical_type() {
        Physical::BOOLEAN => copy::<BoolType, T>(reader, leaf, writer, |_| None),
        Physical::INT32 => copy::<Int32Type, T>(reader, leaf, writer, |_| None),
        Physical::BYTE_ARRAY => copy::<ByteArrayType, T>(reader, leaf, writer, |_| None),
        _ => Err(ParquetError::General(format!("column '{}' cannot be cast", leaf.path))),
    }
}

fn copy<From: DataType, To: DataType>(
    reader: ColumnReader,
    leaf: &Leaf,
    writer: &mut SerializedColumnWriter<'_>,
    convert: impl Fn(&From::T) -> Option<To::T>,
) -> Result<()> {
    let mut reader: ColumnReaderImpl<From> = get_typed_column_reader(reader);
    let writer = writer.typed::<To>();
    loop {
        let (mut definition, mut repetition, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (records, _, levels) = reader.read_records(
            BATCH_ROWS,
            Some(&mut definition),
            Some(&mut repetition),
            &mut values,
        )?;
        if records == 0 && levels == 0 {
            return Ok(());
        }
        let definition = target_levels(leaf, &definition, levels)?;
        // Nulls in place of a list: each is a record of its own.
        repetition.resize(levels, 0);
        let converted = values.iter().map(|value| {
            convert(value).ok_or_else(|| {
                let (path, target) = (&leaf.path, leaf.target_words());
                ParquetError::General(format!(
                    "column '{path}' has the value {value:?}, which cannot be a {target} without loss"
                ))
            })
        });
        let converted = converted.collect::<Result<Vec<_>>>()?;
        writer.write_batch(
            &converted,
            leaf.is_nullable.then_some(&definition),
            leaf.is_repeated.then_some(&repetition),
        )?;
    }
}

fn target_levels(leaf: &Leaf, definition: &[i16], levels: usize) -> Result<Vec<i16>> {
    if let [always] = leaf.definition[..] {
        return Ok(vec![always; levels]);
    }
    let level = |&level: &i16| {
        usize::try_from(level).ok().and_then(|level| leaf.definition.get(level).copied())
    };
    let levels: Option<Vec<_>> = definition.iter().map(level).collect();
    levels.ok_or_else(|| ParquetError::General("its definition levels are damaged".to_owned()))
}

/// From a coarse to a fine unit of time.
fn factor(from: Number, to: Number) -> i64 {
    match (from, to) {
        (Number::Timestamp { unit: from, .. }, Number::Timestamp { unit: to, .. })
        | (Number::Time { unit: from, .. }, Number::Time { unit: to, .. }) => {
            to.per_second() / from.per_second()
        }
        _ => 1,
    }
}

/// Doubles have 53 bits for the digits, floats 24 (IEEE 754).
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "compared")]
fn exact_f64(value: i128) -> Option<f64> {
    let double = value as f64;
    (double as i128 == value).then_some(double)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "compared")]
fn exact_f32(value: i64) -> Option<f32> {
    let float = value as f32;
    (float as i64 == value).then_some(float)
}
