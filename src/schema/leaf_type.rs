//! The type of a leaf, as a value.
//!
//! Catalogs and listings contain its text, so each text stays as it is: another one would reject
//! every further file of a dataset that has such a column.

use std::fmt;

use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical},
    schema::types::Type,
};

use super::annotation::annotation_words;

/// What decides whether two leaves have the same type. Each type has one value, however a writer
/// annotates it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LeafType {
    Bool,
    Integer {
        bits: u8,
        is_signed: bool,
    },
    Float16,
    Float,
    Double,
    Decimal {
        precision: i32,
        scale: i32,
        storage: Storage,
    },
    Date,
    Time {
        unit: Unit,
        is_utc: bool,
    },
    Timestamp {
        unit: Unit,
        is_utc: bool,
    },
    /// A timestamp of 96 bits, in nanoseconds. The type does not say whether it is in UTC.
    Int96,
    Interval,
    String,
    Enum,
    Json,
    Bson,
    Uuid,
    Binary,
    FixedBinary(i32),
    /// A column whose writer knew no type, because it has no values.
    Null(Storage),
    /// A type of which only the description is known: of an annotation that this package does not
    /// interpret, or in the words of another server.
    Other(String),
}

/// How the values of a leaf are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Storage {
    Bool,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Binary,
    FixedBinary(i32),
}

/// From coarse to fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl LeafType {
    pub(crate) fn of(leaf: &Type) -> Self {
        let Some(storage) = Storage::of(leaf) else { return Self::Other("group".to_owned()) };
        let info = leaf.get_basic_info();
        match info.logical_type_ref() {
            Some(logical) => Self::of_logical(logical, storage),
            None => Self::of_converted(info.converted_type(), leaf, storage),
        }
    }

    fn of_logical(logical: &LogicalType, storage: Storage) -> Self {
        match logical {
            LogicalType::String => Self::String,
            LogicalType::Enum => Self::Enum,
            LogicalType::Json => Self::Json,
            LogicalType::Bson => Self::Bson,
            LogicalType::Uuid => Self::Uuid,
            LogicalType::Float16 => Self::Float16,
            LogicalType::Date => Self::Date,
            LogicalType::Unknown => Self::Null(storage),
            LogicalType::Decimal(decimal) => {
                Self::Decimal { precision: decimal.precision, scale: decimal.scale, storage }
            }
            LogicalType::Integer(integer) => Self::Integer {
                bits: integer.bit_width.unsigned_abs(),
                is_signed: integer.is_signed,
            },
            LogicalType::Time(time) => {
                Self::Time { unit: time.unit.into(), is_utc: time.is_adjusted_to_u_t_c }
            }
            LogicalType::Timestamp(time) => {
                Self::Timestamp { unit: time.unit.into(), is_utc: time.is_adjusted_to_u_t_c }
            }
            other => Self::Other(format!("{} in {storage}", annotation_words(other))),
        }
    }

    /// Types annotated before logical types existed (Parquet format, "Logical types": times and
    /// timestamps of that age are in UTC).
    fn of_converted(converted: ConvertedType, leaf: &Type, storage: Storage) -> Self {
        let integer = |bits, is_signed| Self::Integer { bits, is_signed };
        match converted {
            ConvertedType::UTF8 => Self::String,
            ConvertedType::ENUM => Self::Enum,
            ConvertedType::JSON => Self::Json,
            ConvertedType::BSON => Self::Bson,
            ConvertedType::DATE => Self::Date,
            ConvertedType::INTERVAL => Self::Interval,
            ConvertedType::TIME_MILLIS => Self::Time { unit: Unit::Millis, is_utc: true },
            ConvertedType::TIME_MICROS => Self::Time { unit: Unit::Micros, is_utc: true },
            ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp { unit: Unit::Millis, is_utc: true },
            ConvertedType::TIMESTAMP_MICROS => Self::Timestamp { unit: Unit::Micros, is_utc: true },
            ConvertedType::DECIMAL => match leaf {
                Type::PrimitiveType { precision, scale, .. } => {
                    Self::Decimal { precision: *precision, scale: *scale, storage }
                }
                Type::GroupType { .. } => storage.into(),
            },
            ConvertedType::UINT_8 => integer(8, false),
            ConvertedType::UINT_16 => integer(16, false),
            ConvertedType::UINT_32 => integer(32, false),
            ConvertedType::UINT_64 => integer(64, false),
            ConvertedType::INT_8 => integer(8, true),
            ConvertedType::INT_16 => integer(16, true),
            ConvertedType::INT_32 => integer(32, true),
            ConvertedType::INT_64 => integer(64, true),
            _ => storage.into(),
        }
    }

    /// Whether it is the type of a column whose writer knew no type.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    /// The type with this text, which a catalog or a listing contains.
    pub(crate) fn in_words(words: &str) -> Self {
        // A text that only resembles that of a type is kept as it is.
        let parsed = Self::parse(words).filter(|parsed| parsed.to_string() == words);
        parsed.unwrap_or_else(|| Self::Other(words.to_owned()))
    }

    fn parse(words: &str) -> Option<Self> {
        Some(match words {
            "float16" => Self::Float16,
            "date" => Self::Date,
            "interval" => Self::Interval,
            "string" => Self::String,
            "enum" => Self::Enum,
            "json" => Self::Json,
            "bson" => Self::Bson,
            "uuid" => Self::Uuid,
            _ => return Self::parse_composed(words),
        })
    }

    fn parse_composed(words: &str) -> Option<Self> {
        let inside = |start: &str, end: &str| words.strip_prefix(start)?.strip_suffix(end);
        let integer = |bits: &str, is_signed| {
            let bits = bits.parse().ok()?;
            matches!(bits, 8 | 16 | 32 | 64).then_some(Self::Integer { bits, is_signed })
        };
        if let Some(storage) = Storage::in_words(words) {
            Some(storage.into())
        } else if let Some(storage) = inside("null (in ", ")") {
            Storage::in_words(storage).map(Self::Null)
        } else if let Some(decimal) = words.strip_prefix("decimal(") {
            let (digits, storage) = decimal.split_once(") in ")?;
            let (precision, scale) = digits.split_once(", ")?;
            let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
            Some(Self::Decimal { precision, scale, storage: Storage::in_words(storage)? })
        } else if let Some(time) = inside("time[", "]") {
            Unit::and_zone(time).map(|(unit, is_utc)| Self::Time { unit, is_utc })
        } else if let Some(time) = inside("timestamp[", "]") {
            Unit::and_zone(time).map(|(unit, is_utc)| Self::Timestamp { unit, is_utc })
        } else if let Some(bits) = words.strip_prefix("uint") {
            integer(bits, false)
        } else {
            integer(words.strip_prefix("int")?, true)
        }
    }
}

impl From<Storage> for LeafType {
    /// The type of a leaf without annotation.
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::Bool => Self::Bool,
            Storage::Int32 => Self::Integer { bits: 32, is_signed: true },
            Storage::Int64 => Self::Integer { bits: 64, is_signed: true },
            Storage::Int96 => Self::Int96,
            Storage::Float => Self::Float,
            Storage::Double => Self::Double,
            Storage::Binary => Self::Binary,
            Storage::FixedBinary(length) => Self::FixedBinary(length),
        }
    }
}

impl Storage {
    fn of(leaf: &Type) -> Option<Self> {
        let Type::PrimitiveType { physical_type, type_length, .. } = leaf else { return None };
        Some(match physical_type {
            Physical::BOOLEAN => Self::Bool,
            Physical::INT32 => Self::Int32,
            Physical::INT64 => Self::Int64,
            Physical::INT96 => Self::Int96,
            Physical::FLOAT => Self::Float,
            Physical::DOUBLE => Self::Double,
            Physical::BYTE_ARRAY => Self::Binary,
            Physical::FIXED_LEN_BYTE_ARRAY => Self::FixedBinary(*type_length),
        })
    }

    fn in_words(words: &str) -> Option<Self> {
        Some(match words {
            "bool" => Self::Bool,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "int96 timestamp" => Self::Int96,
            "float" => Self::Float,
            "double" => Self::Double,
            "binary" => Self::Binary,
            _ => {
                let length = words.strip_prefix("fixed_size_binary[")?.strip_suffix(']')?;
                Self::FixedBinary(length.parse().ok()?)
            }
        })
    }

    /// The physical type, and its length if it has one.
    pub(super) fn physical(self) -> (Physical, i32) {
        match self {
            Self::Bool => (Physical::BOOLEAN, -1),
            Self::Int32 => (Physical::INT32, -1),
            Self::Int64 => (Physical::INT64, -1),
            Self::Int96 => (Physical::INT96, -1),
            Self::Float => (Physical::FLOAT, -1),
            Self::Double => (Physical::DOUBLE, -1),
            Self::Binary => (Physical::BYTE_ARRAY, -1),
            Self::FixedBinary(length) => (Physical::FIXED_LEN_BYTE_ARRAY, length),
        }
    }
}

impl Unit {
    pub(crate) fn per_second(self) -> i64 {
        match self {
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
        }
    }

    /// Parses `us` and `us, UTC`.
    fn and_zone(words: &str) -> Option<(Self, bool)> {
        let (unit, is_utc) =
            words.strip_suffix(", UTC").map_or((words, false), |unit| (unit, true));
        let units = [Self::Millis, Self::Micros, Self::Nanos];
        Some((units.into_iter().find(|known| known.words() == unit)?, is_utc))
    }
}

impl From<TimeUnit> for Unit {
    fn from(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::MILLIS => Self::Millis,
            TimeUnit::MICROS => Self::Micros,
            TimeUnit::NANOS => Self::Nanos,
        }
    }
}

impl fmt::Display for LeafType {
    /// With the names of Arrow and pandas where they exist.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = |is_utc: bool| if is_utc { ", UTC" } else { "" };
        let words = match self {
            Self::Integer { bits, is_signed: true } => return write!(f, "int{bits}"),
            Self::Integer { bits, is_signed: false } => return write!(f, "uint{bits}"),
            Self::Decimal { precision, scale, storage } => {
                return write!(f, "decimal({precision}, {scale}) in {storage}");
            }
            Self::Time { unit, is_utc } => {
                return write!(f, "time[{}{}]", unit.words(), zone(*is_utc));
            }
            Self::Timestamp { unit, is_utc } => {
                return write!(f, "timestamp[{}{}]", unit.words(), zone(*is_utc));
            }
            Self::FixedBinary(length) => return Storage::FixedBinary(*length).fmt(f),
            Self::Null(storage) => return write!(f, "null (in {storage})"),
            Self::Bool => "bool",
            Self::Float16 => "float16",
            Self::Float => "float",
            Self::Double => "double",
            Self::Date => "date",
            Self::Int96 => "int96 timestamp",
            Self::Interval => "interval",
            Self::String => "string",
            Self::Enum => "enum",
            Self::Json => "json",
            Self::Bson => "bson",
            Self::Uuid => "uuid",
            Self::Binary => "binary",
            Self::Other(words) => words,
        };
        f.write_str(words)
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FixedBinary(length) => write!(f, "fixed_size_binary[{length}]"),
            storage => LeafType::from(*storage).fmt(f),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
