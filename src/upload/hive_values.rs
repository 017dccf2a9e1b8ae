//! Compares a column of a file with the value in its folder's name.

use arrow_array::{
    Array, ArrowPrimitiveType, PrimitiveArray,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type,
        Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
};
use arrow_buffer::i256;
use arrow_schema::{DataType, TimeUnit};

use crate::schema::{ColumnType, Value};

/// Whether every row has the value that `text` stands for in the column's type; times are those
/// of UTC. Types are those of Parquet, without a stored Arrow schema.
///
/// # Errors
/// A message if no text stands for a value of the type.
pub(super) fn all_are(column: &dyn Array, text: &str) -> Result<bool, String> {
    let number = text.parse::<i128>().ok();
    Ok(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().all(|value| value == Some(text)),
        DataType::Binary => {
            column.as_binary::<i32>().iter().all(|value| value == Some(text.as_bytes()))
        }
        DataType::FixedSizeBinary(_) => {
            column.as_fixed_size_binary().iter().all(|value| value == Some(text.as_bytes()))
        }
        DataType::Boolean => match ColumnType::Bool.value_of(text) {
            Some(Value::Bool(expected)) => {
                column.as_boolean().iter().all(|value| value == Some(expected))
            }
            _ => false,
        },
        DataType::Int8 => each::<Int8Type>(column, |value| number == Some(value.into())),
        DataType::Int16 => each::<Int16Type>(column, |value| number == Some(value.into())),
        DataType::Int32 => each::<Int32Type>(column, |value| number == Some(value.into())),
        DataType::Int64 => each::<Int64Type>(column, |value| number == Some(value.into())),
        DataType::UInt8 => each::<UInt8Type>(column, |value| number == Some(value.into())),
        DataType::UInt16 => each::<UInt16Type>(column, |value| number == Some(value.into())),
        DataType::UInt32 => each::<UInt32Type>(column, |value| number == Some(value.into())),
        DataType::UInt64 => each::<UInt64Type>(column, |value| number == Some(value.into())),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => all_floats_are(column, text),
        DataType::Date32 => match ColumnType::Date.value_of(text) {
            Some(Value::Int32(days)) => each::<Date32Type>(column, |value| value == days),
            _ => false,
        },
        DataType::Timestamp(unit, _) if *unit != TimeUnit::Second => {
            all_timestamps_are(column, *unit, text)
        }
        DataType::Decimal128(_, scale) => {
            let digits = digits_of(text, *scale);
            each::<Decimal128Type>(column, |value| digits == Some(i256::from_i128(value)))
        }
        DataType::Decimal256(_, scale) => {
            let digits = digits_of(text, *scale);
            each::<Decimal256Type>(column, |value| digits == Some(value))
        }
        data_type => return Err(format!("the name of a folder has no value of {data_type}")),
    })
}

/// The text may have fewer digits than the column's type.
fn all_floats_are(column: &dyn Array, text: &str) -> bool {
    match column.data_type() {
        DataType::Float16 => {
            let float = text.parse::<<Float16Type as ArrowPrimitiveType>::Native>().ok();
            each::<Float16Type>(column, |value| same(float.map(f64::from), value.into()))
        }
        DataType::Float32 => {
            let float = text.parse::<f32>().ok();
            each::<Float32Type>(column, |value| same(float.map(f64::from), value.into()))
        }
        _ => {
            let float = text.parse().ok();
            each::<Float64Type>(column, |value| same(float, value))
        }
    }
}

fn all_timestamps_are(column: &dyn Array, unit: TimeUnit, text: &str) -> bool {
    let Some(Value::Int64(micros)) = ColumnType::Timestamp.value_of(text) else { return false };
    let micros = i128::from(micros);
    match unit {
        TimeUnit::Second => false,
        TimeUnit::Millisecond => {
            each::<TimestampMillisecondType>(column, |value| i128::from(value) * 1000 == micros)
        }
        TimeUnit::Microsecond => {
            each::<TimestampMicrosecondType>(column, |value| i128::from(value) == micros)
        }
        TimeUnit::Nanosecond => {
            each::<TimestampNanosecondType>(column, |value| i128::from(value) == micros * 1000)
        }
    }
}

fn each<T: ArrowPrimitiveType>(column: &dyn Array, is_same: impl Fn(T::Native) -> bool) -> bool {
    let column: &PrimitiveArray<T> = column.as_primitive();
    column.iter().all(|value| value.is_some_and(&is_same))
}

fn same(expected: Option<f64>, found: f64) -> bool {
    expected.is_some_and(|expected| {
        expected.to_bits() == found.to_bits() || (expected.is_nan() && found.is_nan())
    })
}

/// The digits of a decimal with `scale` of them behind its point; `None` if the text has more.
fn digits_of(text: &str, scale: i8) -> Option<i256> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let scale = usize::try_from(scale).ok()?;
    if part.len() > scale || !is_number(part) {
        return None;
    }
    i256::from_string(&format!("{whole}{part:0<scale$}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
        Int8Array, StringArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
    };

    use super::*;

    #[test]
    fn rows_are_compared_with_the_value_that_a_text_stands_for() {
        let decimals =
            |digits| Decimal128Array::from(vec![digits]).with_precision_and_scale(9, 2).unwrap();
        let cases: Vec<(ArrayRef, &[&str], &[&str])> = vec![
            (Arc::new(Int8Array::from(vec![7, 7])), &["7", "07"], &["8", "7.0", "x", "300", ""]),
            (Arc::new(UInt64Array::from(vec![u64::MAX])), &["18446744073709551615"], &["-1"]),
            (Arc::new(StringArray::from(vec!["07"])), &["07"], &["7"]),
            (Arc::new(BooleanArray::from(vec![true])), &["true", "True"], &["false", "x"]),
            (Arc::new(Float32Array::from(vec![0.1])), &["0.1"], &["0.2", "x"]),
            (Arc::new(Float64Array::from(vec![f64::NAN])), &["NaN"], &["0"]),
            (Arc::new(Date32Array::from(vec![1])), &["1970-01-02"], &["1970-01-03", "1"]),
            (
                Arc::new(TimestampMillisecondArray::from(vec![86_400_001])),
                &["1970-01-02 00:00:00.001"],
                &["1970-01-02", "x"],
            ),
            (
                Arc::new(TimestampNanosecondArray::from(vec![86_400_000_000_000])),
                &["1970-01-02", "1970-01-02T00:00:00"],
                &["1970-01-03"],
            ),
            (Arc::new(decimals(150)), &["1.5", "1.50", "1.500"], &["1.51", "1.505", "150", "x"]),
            (Arc::new(decimals(-50)), &["-0.5"], &["0.5", "-.5x"]),
        ];
        for (column, equal, different) in cases {
            let data_type = column.data_type();
            for text in equal {
                assert_eq!(all_are(&column, text), Ok(true), "{text} as {data_type}");
            }
            for text in different {
                assert_eq!(all_are(&column, text), Ok(false), "{text} as {data_type}");
            }
        }
        let mixed = Int8Array::from(vec![Some(7), None]);
        assert_eq!(all_are(&mixed, "7"), Ok(false));
    }
}
