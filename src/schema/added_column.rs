//! A column that is added to a file, with one value in all rows.

use std::sync::Arc;

use arrow_schema::DataType;
use chrono::{NaiveDate, NaiveDateTime};
use parquet::{
    basic::{LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::ByteArray,
    schema::types::{Type, TypePtr},
};

/// Type of a column whose values are parsed from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// Days: `2024-01-31`.
    Date,
    /// Floating point, 64 bits.
    Double,
    /// Signed integers of 32 bits.
    Int32,
    /// Signed integers of 64 bits.
    Int64,
    /// Text.
    String,
    /// Microseconds without a time zone: `2024-01-31 12:00:00`.
    Timestamp,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Double(f64),
    Bytes(ByteArray),
}

/// A column to add to a file; nullable, as other tools read it.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedColumn {
    /// Its name.
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    /// The value of all rows; `None` is null.
    pub(crate) value: Option<Value>,
}

impl ColumnType {
    /// Parses the name that callers use.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Double => "double",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::String => "string",
            Self::Timestamp => "timestamp",
        }
    }

    /// All types.
    pub const ALL: [Self; 7] = [
        Self::Bool,
        Self::Date,
        Self::Double,
        Self::Int32,
        Self::Int64,
        Self::String,
        Self::Timestamp,
    ];

    /// The type that fits all `values`: 64-bit integers, days, or text.
    pub(crate) fn of_all<'a>(values: &(impl Iterator<Item = &'a str> + Clone)) -> Self {
        let is = |kind: Self| values.clone().all(|value| kind.value_of(value).is_some());
        if values.clone().next().is_none() {
            Self::String
        } else if is(Self::Int64) {
            Self::Int64
        } else if is(Self::Date) {
            Self::Date
        } else {
            Self::String
        }
    }

    /// Parses a text; `None` if it is not a value of this type.
    pub(crate) fn value_of(self, text: &str) -> Option<Value> {
        let is_number = text.starts_with(|c: char| c == '-' || c == '.' || c.is_ascii_digit());
        Some(match self {
            Self::Bool => Value::Bool(text.to_lowercase().parse().ok()?),
            Self::Date => {
                // Not "2024-1-5": other tools read that as text.
                let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                let days = day.signed_duration_since(NaiveDate::default()).num_days();
                (text.len() == 10).then_some(Value::Int32(i32::try_from(days).ok()?))?
            }
            Self::Double => Value::Double(text.parse().ok()?),
            Self::Int32 if is_number => Value::Int32(text.parse().ok()?),
            Self::Int64 if is_number => Value::Int64(text.parse().ok()?),
            Self::Int32 | Self::Int64 => return None,
            Self::String => Value::Bytes(text.into()),
            Self::Timestamp => {
                let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
                let moment = formats
                    .iter()
                    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
                let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
                Value::Int64(moment.or_else(day)?.and_utc().timestamp_micros())
            }
        })
    }

    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Double => DataType::Float64,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::String => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, None),
        }
    }

    fn parquet(self, name: &str) -> parquet::errors::Result<Type> {
        let (physical, logical) = match self {
            Self::Bool => (Physical::BOOLEAN, None),
            Self::Date => (Physical::INT32, Some(LogicalType::Date)),
            Self::Double => (Physical::DOUBLE, None),
            Self::Int32 => (Physical::INT32, None),
            Self::Int64 => (Physical::INT64, None),
            Self::String => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Timestamp => {
                (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS)))
            }
        };
        Type::primitive_type_builder(name, physical)
            .with_logical_type(logical)
            .with_repetition(Repetition::OPTIONAL)
            .build()
    }
}

/// A file's schema with more columns at its end.
pub(crate) fn with_columns(
    schema: &Type,
    columns: &[AddedColumn],
) -> parquet::errors::Result<TypePtr> {
    let mut fields = schema.get_fields().to_vec();
    for AddedColumn { name, column_type, .. } in columns {
        fields.push(Arc::new(column_type.parquet(name)?));
    }
    Ok(Arc::new(Type::group_type_builder(schema.name()).with_fields(fields).build()?))
}

#[cfg(test)]
mod tests {
    use super::{ColumnType, Value};

    #[test]
    fn integers_and_days_are_recognized_in_text() {
        for (values, expected) in [
            (&["1", "-2", "03"][..], ColumnType::Int64),
            (&["2024-01-31", "1969-12-31"], ColumnType::Date),
            (&["1", "x"], ColumnType::String),
            (&["1", "0.5"], ColumnType::String),
            (&["+1"], ColumnType::String),
            (&["99999999999999999999"], ColumnType::String),
            (&["2024-13-01"], ColumnType::String),
            (&["2024-1-5"], ColumnType::String),
            (&[""], ColumnType::String),
            (&[], ColumnType::String),
        ] {
            assert_eq!(ColumnType::of_all(&values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn a_text_is_parsed_by_the_type_or_rejected() {
        assert_eq!(ColumnType::Date.value_of("1970-01-02"), Some(Value::Int32(1)));
        assert_eq!(
            ColumnType::Timestamp.value_of("1970-01-01 00:00:01"),
            Some(Value::Int64(1_000_000))
        );
        assert_eq!(ColumnType::Double.value_of("0.5"), Some(Value::Double(0.5)));
        assert_eq!(ColumnType::Int32.value_of("3000000000"), None);
        assert_eq!(ColumnType::Bool.value_of("yes"), None);
    }
}
