//! Converts values from one type to another without loss.

use std::fmt;

use arrow_buffer::i256;
use chrono::DateTime;

use crate::schema::{Number, Unit};

/// A number in any physical form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// An integer, or a count of units of time.
    Integer(i128),
    Float(f64),
    /// The digits of a decimal.
    Decimal(i256),
}

/// How the values of a column are converted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    pub(super) from: Number,
    pub(super) to: Number,
    /// Digits, or counts of time, are multiplied by this, then divided by `divisor`.
    factor: i256,
    divisor: i256,
    /// Absolute values of decimals must be smaller.
    limit: i256,
}

impl Conversion {
    /// `None` if the types cannot be converted.
    pub(super) fn new(from: Number, to: Number) -> Option<Self> {
        let ten_to = |digits: i32| i256::from_i128(10).checked_pow(u32::try_from(digits).ok()?);
        let one = i256::from_i128(1);
        let (mut factor, mut divisor, mut limit) = (one, one, i256::MAX);
        if let (Number::Decimal { scale: before, .. }, Number::Decimal { precision, scale }) =
            (from, to)
        {
            factor = ten_to((scale - before).max(0))?;
            divisor = ten_to((before - scale).max(0))?;
            limit = ten_to(precision)?;
        } else if let (Some(from), Some(to)) = (unit(from), unit(to)) {
            factor = i256::from_i128((to.per_second() / from.per_second()).max(1).into());
            divisor = i256::from_i128((from.per_second() / to.per_second()).max(1).into());
        }
        Some(Self { from, to, factor, divisor, limit })
    }

    /// Converts a value; `None` if the result would be a different value.
    pub(super) fn convert(&self, value: Value) -> Option<Value> {
        match (value, self.to) {
            (
                Value::Integer(count),
                Number::Timestamp { .. } | Number::Time { .. } | Number::Int96,
            ) => {
                let scaled = self.scaled(i256::from_i128(count))?.to_i128()?;
                i64::try_from(scaled).ok()?;
                Some(Value::Integer(scaled))
            }
            (Value::Integer(integer), Number::Integer { bits, is_signed }) => {
                in_range(integer, bits, is_signed).then_some(value)
            }
            (Value::Integer(integer), Number::Float | Number::Double) => {
                let double = exact_f64(integer)?;
                self.convert(Value::Float(double))
            }
            (Value::Float(double), Number::Double) => Some(Value::Float(double)),
            (Value::Float(double), Number::Float) => {
                #[expect(clippy::cast_possible_truncation, reason = "compared")]
                let back = f64::from(double as f32);
                let is_exact = back.to_bits() == double.to_bits() || double.is_nan();
                is_exact.then_some(value)
            }
            (Value::Float(double), Number::Integer { bits, is_signed }) => {
                let integer = exact_integer(double)?;
                in_range(integer, bits, is_signed).then_some(Value::Integer(integer))
            }
            (Value::Decimal(digits), Number::Decimal { .. }) => {
                let scaled = self.scaled(digits)?;
                let is_short = scaled < self.limit && scaled > self.limit.checked_neg()?;
                is_short.then_some(Value::Decimal(scaled))
            }
            _ => None,
        }
    }

    fn scaled(&self, count: i256) -> Option<i256> {
        let product = count.checked_mul(self.factor)?;
        let is_whole = product.checked_rem(self.divisor)? == i256::ZERO;
        is_whole.then(|| product.checked_div(self.divisor)).flatten()
    }

    /// Describes a value for messages.
    pub(super) fn words(&self, value: Value) -> String {
        Words { value, number: self.from }.to_string()
    }
}

struct Words {
    value: Value,
    number: Number,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.value, self.number) {
            (Value::Integer(count), Number::Timestamp { .. } | Number::Int96) => {
                let per_second = unit(self.number).map_or(1, |unit| i128::from(unit.per_second()));
                let nanos = count.rem_euclid(per_second) * (1_000_000_000 / per_second);
                let time = DateTime::from_timestamp(
                    i64::try_from(count.div_euclid(per_second)).unwrap_or(i64::MAX),
                    u32::try_from(nanos).unwrap_or(0),
                );
                match time {
                    Some(time) => write!(f, "{}", time.naive_utc()),
                    None => write!(f, "{count}"),
                }
            }
            (Value::Integer(integer), _) => write!(f, "{integer}"),
            (Value::Float(double), _) => write!(f, "{double:?}"),
            (Value::Decimal(digits), Number::Decimal { scale, .. }) if scale > 0 => {
                let scale = usize::try_from(scale).unwrap_or(0);
                let text = digits.to_string();
                let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |it| ("-", it));
                let digits = format!("{digits:0>width$}", width = scale + 1);
                let (whole, part) = digits.split_at(digits.len() - scale);
                write!(f, "{sign}{whole}.{part}")
            }
            (Value::Decimal(digits), _) => write!(f, "{digits}"),
        }
    }
}

fn unit(number: Number) -> Option<Unit> {
    match number {
        Number::Timestamp { unit, .. } | Number::Time { unit, .. } => Some(unit),
        Number::Int96 => Some(Unit::Nanos),
        _ => None,
    }
}

fn in_range(integer: i128, bits: u8, is_signed: bool) -> bool {
    let bits = u32::from(bits);
    if is_signed {
        (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&integer)
    } else {
        (0..1_i128 << bits).contains(&integer)
    }
}

/// `None` if a double cannot hold the integer: it has 53 bits for the digits (IEEE 754).
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "compared")]
fn exact_f64(integer: i128) -> Option<f64> {
    let double = integer as f64;
    (double as i128 == integer).then_some(double)
}

/// `None` for -0.0 as well, which is not an integer.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "compared")]
fn exact_integer(double: f64) -> Option<i128> {
    let integer = double as i128;
    ((integer as f64).to_bits() == double.to_bits()).then_some(integer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Number = Number::Decimal { precision: 76, scale: 0 };

    fn digits(value: Option<Value>) -> Option<i256> {
        if let Some(Value::Decimal(digits)) = value { Some(digits) } else { None }
    }

    proptest! {
        #[test]
        fn a_decimal_survives_rescaling_and_back(number: i64, scale in 0..20_i32, more in 0..20_i32) {
            let from = Number::Decimal { precision: 19, scale: 0 };
            let to = Number::Decimal { precision: 19 + scale + more, scale: scale + more };
            let value = Value::Decimal(i256::from_i128(number.into()));
            let wide = Conversion::new(from, to).unwrap().convert(value).unwrap();
            let back = Conversion::new(to, from).unwrap().convert(wide);
            prop_assert_eq!(digits(back), digits(Some(value)));
        }
    }

    #[test]
    fn a_decimal_with_too_many_digits_is_rejected() {
        let too_long = Conversion::new(LONG, Number::Decimal { precision: 2, scale: 0 }).unwrap();
        let value = |number| Value::Decimal(i256::from_i128(number));
        assert!(too_long.convert(value(99)).is_some() && too_long.convert(value(-99)).is_some());
        assert!(too_long.convert(value(100)).is_none() && too_long.convert(value(-100)).is_none());
    }
}
