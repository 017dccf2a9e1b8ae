//! The types of leaves.

/// The type of a leaf, however it is annotated. Two leaves have the same type exactly if they have
/// the same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LeafType {
    Bool,
    Integer {
        bits: u8,
        is_signed: bool,
    },
    /// A timestamp of 96 bits, in nanoseconds.
    Int96,
    Float16,
    Float,
    Double,
    Decimal {
        precision: i32,
        scale: i32,
        stored: Stored,
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
    Interval,
    String,
    Enum,
    Json,
    Bson,
    Uuid,
    Binary,
    /// With this number of bytes.
    FixedBinary(i32),
    /// The type of a column without values, whose writer knew no type.
    Null(Stored),
    /// A type that is only known by its text: this release has no value for it.
    Other(String),
}

/// How the values of a leaf are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stored {
    Bool,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Binary,
    /// With this number of bytes.
    Fixed(i32),
}

/// From coarse to fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl LeafType {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, Self::Integer { .. })
    }
}

impl Stored {
    /// The type without an annotation.
    pub(super) fn plain(self) -> LeafType {
        match self {
            Self::Bool => LeafType::Bool,
            Self::Int32 => LeafType::Integer { bits: 32, is_signed: true },
            Self::Int64 => LeafType::Integer { bits: 64, is_signed: true },
            Self::Int96 => LeafType::Int96,
            Self::Float => LeafType::Float,
            Self::Double => LeafType::Double,
            Self::Binary => LeafType::Binary,
            Self::Fixed(length) => LeafType::FixedBinary(length),
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

    /// Its symbol.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
        }
    }
}
