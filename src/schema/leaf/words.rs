//! The text of a type of a leaf. Catalogs and listings contain it, so it never changes.

use std::fmt;

use super::leaf_type::{LeafType, Stored, Unit};

impl LeafType {
    /// The type with this text, of a catalog or of a server's listing.
    pub(crate) fn from_words(words: &str) -> Self {
        Self::known(words)
            .filter(|known| known.to_string() == words)
            .unwrap_or_else(|| Self::Other(words.to_owned()))
    }

    /// Parses a text; others may stand for the same type.
    fn known(words: &str) -> Option<Self> {
        Some(match words {
            "float16" => Self::Float16,
            "date" => Self::Date,
            "interval" => Self::Interval,
            "string" => Self::String,
            "enum" => Self::Enum,
            "json" => Self::Json,
            "bson" => Self::Bson,
            "uuid" => Self::Uuid,
            _ => {
                let stored = Stored::from_words(words).map(Stored::plain);
                return stored.or_else(|| Self::with_parameters(words));
            }
        })
    }

    fn with_parameters(words: &str) -> Option<Self> {
        let bits = |prefix| words.strip_prefix(prefix)?.parse().ok();
        for (prefix, is_signed) in [("int", true), ("uint", false)] {
            if let Some(bits @ (8 | 16 | 32 | 64)) = bits(prefix) {
                return Some(Self::Integer { bits, is_signed });
            }
        }
        if let Some(stored) = words.strip_prefix("null (in ") {
            return Some(Self::Null(Stored::from_words(stored.strip_suffix(')')?)?));
        }
        if let Some(decimal) = words.strip_prefix("decimal(") {
            let (digits, stored) = decimal.split_once(") in ")?;
            let (precision, scale) = digits.split_once(", ")?;
            let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
            return Some(Self::Decimal { precision, scale, stored: Stored::from_words(stored)? });
        }
        let (name, inside) = words.strip_suffix(']')?.split_once('[')?;
        let (unit, is_utc) =
            inside.strip_suffix(", UTC").map_or((inside, false), |unit| (unit, true));
        let unit = Unit::from_words(unit)?;
        match name {
            "time" => Some(Self::Time { unit, is_utc }),
            "timestamp" => Some(Self::Timestamp { unit, is_utc }),
            _ => None,
        }
    }
}

impl Stored {
    fn from_words(words: &str) -> Option<Self> {
        Some(match words {
            "bool" => Self::Bool,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "int96 timestamp" => Self::Int96,
            "float" => Self::Float,
            "double" => Self::Double,
            "binary" => Self::Binary,
            words => {
                let length = words.strip_prefix("fixed_size_binary[")?.strip_suffix(']')?;
                Self::Fixed(length.parse().ok()?)
            }
        })
    }
}

impl Unit {
    fn from_words(words: &str) -> Option<Self> {
        [Self::Millis, Self::Micros, Self::Nanos].into_iter().find(|unit| unit.as_str() == words)
    }
}

/// With the names of Arrow and pandas where they exist.
impl fmt::Display for LeafType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = |is_utc: &bool| if *is_utc { ", UTC" } else { "" };
        match self {
            Self::Integer { bits, is_signed } => {
                write!(f, "{}int{bits}", if *is_signed { "" } else { "u" })
            }
            Self::Float16 => f.write_str("float16"),
            Self::Decimal { precision, scale, stored } => {
                write!(f, "decimal({precision}, {scale}) in {stored}")
            }
            Self::Date => f.write_str("date"),
            Self::Time { unit, is_utc } => write!(f, "time[{}{}]", unit.as_str(), zone(is_utc)),
            Self::Timestamp { unit, is_utc } => {
                write!(f, "timestamp[{}{}]", unit.as_str(), zone(is_utc))
            }
            Self::Interval => f.write_str("interval"),
            Self::String => f.write_str("string"),
            Self::Enum => f.write_str("enum"),
            Self::Json => f.write_str("json"),
            Self::Bson => f.write_str("bson"),
            Self::Uuid => f.write_str("uuid"),
            Self::Null(stored) => write!(f, "null (in {stored})"),
            Self::Other(words) => f.write_str(words),
            Self::Bool => Stored::Bool.fmt(f),
            Self::Int96 => Stored::Int96.fmt(f),
            Self::Float => Stored::Float.fmt(f),
            Self::Double => Stored::Double.fmt(f),
            Self::Binary => Stored::Binary.fmt(f),
            Self::FixedBinary(length) => Stored::Fixed(*length).fmt(f),
        }
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Int96 => "int96 timestamp",
            Self::Float => "float",
            Self::Double => "double",
            Self::Binary => "binary",
            Self::Fixed(length) => return write!(f, "fixed_size_binary[{length}]"),
        })
    }
}
