//! The properties of a leaf's type that decide how its values can be converted.

use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    schema::types::Type,
};

use super::leaf::{LeafType, Unit};

/// A type whose values may be converted to another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Integer {
        bits: u8,
        is_signed: bool,
    },
    Float16,
    Float,
    Double,
    /// In any physical form.
    Decimal {
        precision: i32,
        scale: i32,
    },
    Timestamp {
        unit: Unit,
        is_utc: bool,
    },
    /// A timestamp of 96 bits, in nanoseconds. The type does not say whether it is in UTC.
    Int96,
    Time {
        unit: Unit,
        is_utc: bool,
    },
}

/// Maximum precision of decimals that readers support (Arrow's `decimal256`).
const MAX_PRECISION: i32 = 76;

impl Number {
    pub(crate) fn of(leaf: &Type) -> Option<Self> {
        Some(match LeafType::of(leaf) {
            LeafType::Integer { bits, is_signed } => Self::Integer { bits, is_signed },
            LeafType::Float16 => Self::Float16,
            LeafType::Float => Self::Float,
            LeafType::Double => Self::Double,
            LeafType::Decimal { precision, scale, .. } => Self::Decimal { precision, scale },
            LeafType::Timestamp { unit, is_utc } => Self::Timestamp { unit, is_utc },
            LeafType::Int96 => Self::Int96,
            LeafType::Time { unit, is_utc } => Self::Time { unit, is_utc },
            _ => return None,
        })
    }

    /// The narrowest type that contains all values of both. The common type of 64-bit integers and
    /// doubles is double; that of INT96 and timestamps is a timestamp of any unit. Whether such a
    /// conversion loses information depends on the values.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        use Number::{Decimal, Double, Float, Float16, Int96, Integer, Time, Timestamp};
        Some(match (self, other) {
            (a, b) if a == b => a,
            (
                Integer { bits: a, is_signed: signed_a },
                Integer { bits: b, is_signed: signed_b },
            ) if signed_a == signed_b => Integer { bits: a.max(b), is_signed: signed_a },
            (Integer { bits, is_signed }, Integer { bits: other, .. }) => {
                let (signed, unsigned) = if is_signed { (bits, other) } else { (other, bits) };
                let bits = signed.max(unsigned.checked_mul(2)?);
                (bits <= 64).then_some(Integer { bits, is_signed: true })?
            }
            (Integer { bits, .. }, Float | Float16) | (Float | Float16, Integer { bits, .. })
                if bits <= 16 =>
            {
                Float
            }
            (Float16, Float) | (Float, Float16) => Float,
            (
                Integer { .. } | Float16 | Float | Double,
                Integer { .. } | Float16 | Float | Double,
            ) => Double,
            (
                Decimal { precision: a, scale: scale_a },
                Decimal { precision: b, scale: scale_b },
            ) => {
                let scale = scale_a.max(scale_b);
                let precision = (a - scale_a).max(b - scale_b) + scale;
                (precision <= MAX_PRECISION).then_some(Decimal { precision, scale })?
            }
            (Timestamp { unit: a, is_utc }, Timestamp { unit: b, is_utc: other_is_utc })
                if is_utc == other_is_utc =>
            {
                Timestamp { unit: a.max(b), is_utc }
            }
            (Int96, timestamp @ Timestamp { .. }) | (timestamp @ Timestamp { .. }, Int96) => {
                timestamp
            }
            (Time { unit: a, is_utc }, Time { unit: b, is_utc: other_is_utc })
                if is_utc == other_is_utc =>
            {
                Time { unit: a.max(b), is_utc }
            }
            _ => return None,
        })
    }

    /// Whether values of this type may be values of `target`; each value must be checked.
    pub(super) fn may_be(self, target: Self) -> bool {
        // Types with a common type differ only in range or precision.
        self.common(target).is_some()
            || matches!(
                (self, target),
                (Self::Integer { .. }, Self::Integer { .. })
                    | (Self::Decimal { .. }, Self::Decimal { .. })
            )
    }

    /// A leaf of this type, in the physical form that writers use.
    pub(super) fn leaf(
        self,
        name: &str,
        repetition: Repetition,
        is_binary: bool,
    ) -> parquet::errors::Result<Type> {
        let logical = match self {
            Self::Integer { bits, is_signed } if bits < 32 || !is_signed => {
                Some(LogicalType::integer(i8::try_from(bits).unwrap_or(i8::MAX), is_signed))
            }
            Self::Decimal { precision, scale } => Some(LogicalType::decimal(scale, precision)),
            _ => None,
        };
        let mut builder = Type::primitive_type_builder(name, self.physical(is_binary))
            .with_logical_type(logical)
            .with_repetition(repetition);
        if let Self::Decimal { precision, scale } = self {
            builder = builder
                .with_length(bytes_of_digits(precision))
                .with_precision(precision)
                .with_scale(scale);
        }
        builder.build()
    }

    /// `is_binary` prevents integers as the physical form of decimals, which some readers do not
    /// support.
    fn physical(self, is_binary: bool) -> Physical {
        match self {
            Self::Integer { bits, .. } if bits <= 32 => Physical::INT32,
            Self::Float => Physical::FLOAT,
            Self::Double => Physical::DOUBLE,
            Self::Int96 => Physical::INT96,
            Self::Decimal { precision: ..=9, .. } if !is_binary => Physical::INT32,
            Self::Decimal { precision: ..=18, .. } if !is_binary => Physical::INT64,
            Self::Decimal { .. } | Self::Float16 => Physical::FIXED_LEN_BYTE_ARRAY,
            _ => Physical::INT64,
        }
    }
}

/// Bytes of the smallest two's complement integer that holds every decimal of this precision.
fn bytes_of_digits(digits: i32) -> i32 {
    let bits = f64::from(digits) * std::f64::consts::LOG2_10 + 1.0;
    #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
    let bytes = (bits / 8.0).ceil() as i32;
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Number, bytes_of_digits};

    #[test]
    fn decimals_have_the_bytes_that_other_writers_give_them() {
        // The same form as pyarrow writes.
        let bytes: Vec<_> =
            [1, 2, 3, 4, 6, 7, 9, 10, 18, 19, 38, 39, 76].map(bytes_of_digits).into();
        assert_eq!(bytes, [1, 1, 2, 2, 3, 4, 4, 5, 8, 9, 16, 17, 32]);
    }

    #[test]
    fn decimals_widen_on_both_sides_of_the_point() {
        let decimal = |precision, scale| Number::Decimal { precision, scale };
        for (a, b, common) in [
            (decimal(3, 2), decimal(4, 2), Some(decimal(4, 2))),
            (decimal(7, 5), decimal(8, 2), Some(decimal(11, 5))),
            (decimal(38, 10), decimal(38, 2), Some(decimal(46, 10))),
            (decimal(76, 0), decimal(76, 1), None),
        ] {
            assert_eq!((a.common(b), b.common(a)), (common, common));
        }
    }
}
