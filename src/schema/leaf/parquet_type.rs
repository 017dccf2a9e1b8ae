//! Types of leaves from and to Parquet schemas.

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical},
    schema::types::Type,
};

use super::leaf_type::{LeafType, Stored, Unit};

impl LeafType {
    /// The type of a leaf of a Parquet schema.
    pub(crate) fn of(leaf: &Type) -> Self {
        let Type::PrimitiveType { basic_info, precision, scale, .. } = leaf else {
            return Self::Other("group".to_owned());
        };
        let stored = Stored::of(leaf);
        match (basic_info.logical_type_ref(), basic_info.converted_type()) {
            (Some(logical), _) => Self::of_logical(logical, stored),
            (None, ConvertedType::DECIMAL) => {
                Self::Decimal { precision: *precision, scale: *scale, stored }
            }
            (None, converted) => Self::of_converted(converted, stored),
        }
    }

    fn of_logical(logical: &LogicalType, stored: Stored) -> Self {
        match logical {
            LogicalType::String => Self::String,
            LogicalType::Enum => Self::Enum,
            LogicalType::Json => Self::Json,
            LogicalType::Bson => Self::Bson,
            LogicalType::Uuid => Self::Uuid,
            LogicalType::Float16 => Self::Float16,
            LogicalType::Date => Self::Date,
            LogicalType::Unknown => Self::Null(stored),
            LogicalType::Decimal(decimal) => {
                Self::Decimal { precision: decimal.precision, scale: decimal.scale, stored }
            }
            LogicalType::Integer(integer) => Self::integer(integer.bit_width, integer.is_signed),
            LogicalType::Time(time) => {
                Self::Time { unit: Unit::of(time.unit), is_utc: time.is_adjusted_to_u_t_c }
            }
            LogicalType::Timestamp(time) => {
                Self::Timestamp { unit: Unit::of(time.unit), is_utc: time.is_adjusted_to_u_t_c }
            }
            other => Self::Other(format!("{} in {stored}", format!("{other:?}").to_lowercase())),
        }
    }

    /// Types annotated before logical types existed (Parquet format, "Logical types": times and
    /// timestamps of that age are in UTC).
    fn of_converted(converted: ConvertedType, stored: Stored) -> Self {
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
            ConvertedType::UINT_8 => Self::integer(8, false),
            ConvertedType::UINT_16 => Self::integer(16, false),
            ConvertedType::UINT_32 => Self::integer(32, false),
            ConvertedType::UINT_64 => Self::integer(64, false),
            ConvertedType::INT_8 => Self::integer(8, true),
            ConvertedType::INT_16 => Self::integer(16, true),
            ConvertedType::INT_32 => Self::integer(32, true),
            ConvertedType::INT_64 => Self::integer(64, true),
            _ => stored.plain(),
        }
    }

    fn integer(bits: i8, is_signed: bool) -> Self {
        match u8::try_from(bits) {
            Ok(bits @ (8 | 16 | 32 | 64)) => Self::Integer { bits, is_signed },
            _ => Self::Other(format!("{}int{bits}", if is_signed { "" } else { "u" })),
        }
    }

    /// A leaf of this type; `None` if the type is only known by its text, or not valid.
    pub(crate) fn to_parquet(&self, name: &str, repetition: Repetition) -> Option<Type> {
        let (physical, length) = self.stored()?.physical();
        let builder = Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_length(length);
        let builder = match self {
            Self::Interval => builder.with_converted_type(ConvertedType::INTERVAL),
            Self::Decimal { precision, scale, .. } => builder
                .with_logical_type(self.logical())
                .with_precision(*precision)
                .with_scale(*scale),
            _ => builder.with_logical_type(self.logical()),
        };
        builder.build().ok().filter(|leaf| Self::of(leaf) == *self)
    }

    /// How writers store the type.
    fn stored(&self) -> Option<Stored> {
        Some(match self {
            Self::Bool => Stored::Bool,
            Self::Integer { bits: ..=32, .. }
            | Self::Date
            | Self::Time { unit: Unit::Millis, .. } => Stored::Int32,
            Self::Integer { .. } | Self::Time { .. } | Self::Timestamp { .. } => Stored::Int64,
            Self::Int96 => Stored::Int96,
            Self::Float => Stored::Float,
            Self::Double => Stored::Double,
            Self::String | Self::Enum | Self::Json | Self::Bson | Self::Binary => Stored::Binary,
            Self::Float16 => Stored::Fixed(2),
            Self::Interval => Stored::Fixed(12),
            Self::Uuid => Stored::Fixed(16),
            Self::FixedBinary(length) => Stored::Fixed(*length),
            Self::Decimal { stored, .. } | Self::Null(stored) => *stored,
            Self::Other(_) => return None,
        })
    }

    /// The annotation; `None` if the physical type says it all.
    fn logical(&self) -> Option<LogicalType> {
        Some(match self {
            Self::Integer { bits, is_signed } if *bits < 32 || !is_signed => {
                LogicalType::integer(i8::try_from(*bits).ok()?, *is_signed)
            }
            Self::Float16 => LogicalType::Float16,
            Self::Decimal { precision, scale, .. } => LogicalType::decimal(*scale, *precision),
            Self::Date => LogicalType::Date,
            Self::Time { unit, is_utc } => LogicalType::time(*is_utc, unit.of_parquet()),
            Self::Timestamp { unit, is_utc } => LogicalType::timestamp(*is_utc, unit.of_parquet()),
            Self::String => LogicalType::String,
            Self::Enum => LogicalType::Enum,
            Self::Json => LogicalType::Json,
            Self::Bson => LogicalType::Bson,
            Self::Uuid => LogicalType::Uuid,
            Self::Null(_) => LogicalType::Unknown,
            _ => return None,
        })
    }
}

impl Stored {
    fn of(leaf: &Type) -> Self {
        match leaf.get_physical_type() {
            Physical::BOOLEAN => Self::Bool,
            Physical::INT32 => Self::Int32,
            Physical::INT64 => Self::Int64,
            Physical::INT96 => Self::Int96,
            Physical::FLOAT => Self::Float,
            Physical::DOUBLE => Self::Double,
            Physical::BYTE_ARRAY => Self::Binary,
            Physical::FIXED_LEN_BYTE_ARRAY => match leaf {
                Type::PrimitiveType { type_length, .. } => Self::Fixed(*type_length),
                Type::GroupType { .. } => Self::Fixed(0),
            },
        }
    }

    /// With the length of a value, which is -1 for all but [`Stored::Fixed`].
    fn physical(self) -> (Physical, i32) {
        match self {
            Self::Bool => (Physical::BOOLEAN, -1),
            Self::Int32 => (Physical::INT32, -1),
            Self::Int64 => (Physical::INT64, -1),
            Self::Int96 => (Physical::INT96, -1),
            Self::Float => (Physical::FLOAT, -1),
            Self::Double => (Physical::DOUBLE, -1),
            Self::Binary => (Physical::BYTE_ARRAY, -1),
            Self::Fixed(length) => (Physical::FIXED_LEN_BYTE_ARRAY, length),
        }
    }
}

impl Unit {
    fn of(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::MILLIS => Self::Millis,
            TimeUnit::MICROS => Self::Micros,
            TimeUnit::NANOS => Self::Nanos,
        }
    }

    fn of_parquet(self) -> TimeUnit {
        match self {
            Self::Millis => TimeUnit::MILLIS,
            Self::Micros => TimeUnit::MICROS,
            Self::Nanos => TimeUnit::NANOS,
        }
    }
}
