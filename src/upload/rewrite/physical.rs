//! Numbers in the physical types of Parquet.

use arrow_buffer::i256;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};

use super::value::Value;
use crate::schema::Number;

/// Physical types that can hold a [`Number`].
pub(super) trait Stored: DataType {
    fn load(value: &Self::T, number: Number) -> Option<Value>;

    /// `length` is the length of a value in bytes, for fixed-length types.
    fn store(value: Value, number: Number, length: i32) -> Option<Self::T>;
}

fn is_unsigned(number: Number) -> bool {
    matches!(number, Number::Integer { is_signed: false, .. })
}

impl Stored for Int32Type {
    fn load(value: &i32, number: Number) -> Option<Value> {
        Some(match number {
            Number::Decimal { .. } => Value::Decimal(i256::from_i128((*value).into())),
            _ if is_unsigned(number) => Value::Integer(value.cast_unsigned().into()),
            _ => Value::Integer((*value).into()),
        })
    }

    fn store(value: Value, number: Number, _length: i32) -> Option<i32> {
        match value {
            Value::Integer(integer) if is_unsigned(number) => {
                u32::try_from(integer).ok().map(u32::cast_signed)
            }
            Value::Integer(integer) => integer.try_into().ok(),
            Value::Decimal(digits) => digits.to_i128()?.try_into().ok(),
            Value::Float(_) => None,
        }
    }
}

impl Stored for Int64Type {
    fn load(value: &i64, number: Number) -> Option<Value> {
        Some(match number {
            Number::Decimal { .. } => Value::Decimal(i256::from_i128((*value).into())),
            _ if is_unsigned(number) => Value::Integer(value.cast_unsigned().into()),
            _ => Value::Integer((*value).into()),
        })
    }

    fn store(value: Value, number: Number, _length: i32) -> Option<i64> {
        match value {
            Value::Integer(integer) if is_unsigned(number) => {
                u64::try_from(integer).ok().map(u64::cast_signed)
            }
            Value::Integer(integer) => integer.try_into().ok(),
            Value::Decimal(digits) => digits.to_i128()?.try_into().ok(),
            Value::Float(_) => None,
        }
    }
}

const JULIAN_DAY_OF_1970: i128 = 2_440_588;
const NANOS_OF_DAY: i128 = 86_400_000_000_000;

impl Stored for Int96Type {
    /// Nanoseconds of the day (low half first), then the Julian day.
    fn load(value: &Int96, _number: Number) -> Option<Value> {
        let [low, high, day] = value.data() else { return None };
        let nanos = i128::from(*high) << 32 | i128::from(*low);
        let days = i128::from(day.cast_signed()) - JULIAN_DAY_OF_1970;
        Some(Value::Integer(days * NANOS_OF_DAY + nanos))
    }

    fn store(value: Value, _number: Number, _length: i32) -> Option<Int96> {
        let Value::Integer(nanos) = value else { return None };
        let day = i32::try_from(nanos.div_euclid(NANOS_OF_DAY) + JULIAN_DAY_OF_1970).ok()?;
        let nanos = u64::try_from(nanos.rem_euclid(NANOS_OF_DAY)).ok()?;
        let halves = [nanos & u64::from(u32::MAX), nanos >> 32].map(u32::try_from);
        let [Ok(low), Ok(high)] = halves else { return None };
        let mut stored = Int96::new();
        stored.set_data(low, high, day.cast_unsigned());
        Some(stored)
    }
}

impl Stored for FloatType {
    fn load(value: &f32, _number: Number) -> Option<Value> {
        Some(Value::Float(f64::from(*value)))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the conversion has checked that it fits")]
    fn store(value: Value, _number: Number, _length: i32) -> Option<f32> {
        if let Value::Float(double) = value { Some(double as f32) } else { None }
    }
}

impl Stored for DoubleType {
    fn load(value: &f64, _number: Number) -> Option<Value> {
        Some(Value::Float(*value))
    }

    fn store(value: Value, _number: Number, _length: i32) -> Option<f64> {
        if let Value::Float(double) = value { Some(double) } else { None }
    }
}

impl Stored for ByteArrayType {
    fn load(value: &ByteArray, number: Number) -> Option<Value> {
        load_bytes(value.data(), number)
    }

    fn store(value: Value, _number: Number, _length: i32) -> Option<ByteArray> {
        let Value::Decimal(digits) = value else { return None };
        Some(ByteArray::from(digits.to_be_bytes().to_vec()))
    }
}

impl Stored for FixedLenByteArrayType {
    fn load(value: &FixedLenByteArray, number: Number) -> Option<Value> {
        load_bytes(value.data(), number)
    }

    fn store(value: Value, _number: Number, length: i32) -> Option<FixedLenByteArray> {
        let Value::Decimal(digits) = value else { return None };
        let (bytes, length) = (digits.to_be_bytes(), usize::try_from(length).ok()?);
        let stored = match length.checked_sub(bytes.len()) {
            Some(more) => [vec![sign_of(&bytes); more], bytes.to_vec()].concat(),
            None => bytes[bytes.len() - length..].to_vec(),
        };
        (digits_of(&stored)? == digits).then(|| FixedLenByteArray::from(stored))
    }
}

fn load_bytes(bytes: &[u8], number: Number) -> Option<Value> {
    match number {
        Number::Decimal { .. } => digits_of(bytes).map(Value::Decimal),
        Number::Float16 => bytes.try_into().ok().map(|half| Value::Float(float_of_half(half))),
        _ => None,
    }
}

/// Decimals are stored as big-endian two's complement.
fn digits_of(bytes: &[u8]) -> Option<i256> {
    const LENGTH: usize = 32;
    let sign = sign_of(bytes);
    let (more, bytes) = bytes.split_at(bytes.len().saturating_sub(LENGTH));
    if bytes.is_empty() || more.iter().any(|&byte| byte != sign) || sign_of(bytes) != sign {
        return None;
    }
    let mut whole = [sign; LENGTH];
    whole[LENGTH - bytes.len()..].copy_from_slice(bytes);
    Some(i256::from_be_bytes(whole))
}

fn sign_of(bytes: &[u8]) -> u8 {
    if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xFF } else { 0 }
}

/// IEEE 754 binary16, little-endian. Every value fits a double.
fn float_of_half(half: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(half);
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f64::from(bits & 0x3FF));
    let size = match (exponent, bits & 0x3FF) {
        (0x1F, 0) => f64::INFINITY,
        (0x1F, _) => f64::NAN,
        (0, _) => fraction * 2_f64.powi(-24),
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Number = Number::Decimal { precision: 76, scale: 0 };
    const INSTANT: Number = Number::Int96;

    fn digits(value: Option<Value>) -> Option<i256> {
        if let Some(Value::Decimal(digits)) = value { Some(digits) } else { None }
    }

    fn count(value: Option<Value>) -> Option<i128> {
        if let Some(Value::Integer(count)) = value { Some(count) } else { None }
    }

    proptest! {
        #[test]
        fn a_decimal_is_the_same_in_every_physical_form(number: i128, length in 16..40_i32) {
            let value = Value::Decimal(i256::from_i128(number));
            let fixed = FixedLenByteArrayType::store(value, LONG, length).unwrap();
            let bytes = ByteArrayType::store(value, LONG, 0).unwrap();
            let expected = Some(i256::from_i128(number));
            prop_assert_eq!(digits(FixedLenByteArrayType::load(&fixed, LONG)), expected);
            prop_assert_eq!(digits(ByteArrayType::load(&bytes, LONG)), expected);
            if let Some(short) = Int64Type::store(value, LONG, 0) {
                prop_assert_eq!(digits(Int64Type::load(&short, LONG)), expected);
            }
        }

        #[test]
        fn int96_holds_every_nanosecond_of_a_timestamp(nanos: i64) {
            let stored = Int96Type::store(Value::Integer(nanos.into()), INSTANT, 0).unwrap();
            prop_assert_eq!(count(Int96Type::load(&stored, INSTANT)), Some(nanos.into()));
            prop_assert_eq!(stored.to_nanos(), nanos);
        }
    }

    #[test]
    fn every_16_bit_float_is_what_ieee_754_says() {
        for (bits, expected) in [
            (0x0000_u16, 0.0),
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x03FF, 1023.0 * 2_f64.powi(-24)),
            (0xFC00, f64::NEG_INFINITY),
        ] {
            assert_eq!(float_of_half(bits.to_le_bytes()).to_bits(), expected.to_bits(), "{bits:x}");
        }
        assert!(float_of_half(0x7E00_u16.to_le_bytes()).is_nan());
        assert!(float_of_half(0x8000_u16.to_le_bytes()).is_sign_negative());
    }

    #[test]
    fn bytes_beyond_76_digits_are_not_a_decimal() {
        assert_eq!(digits_of(&[]), None);
        assert_eq!(digits_of(&[0xFF; 40]), Some(i256::from_i128(-1)));
        assert_eq!(digits_of(&[1; 33]), None);
    }
}
