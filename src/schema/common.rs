//! The common schema of files that differ: what all of them can be rewritten to without
//! losing anything.

use std::sync::Arc;

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, Type as Physical},
    schema::types::{Type, TypePtr},
};

use super::tree::{leaf_words, type_words};

/// Finds the schema to which files of all `schemas` can be rewritten without loss: columns in
/// the order of the first; integers and floats widened; a column without any value takes the
/// others' type; nullable where one is; the finest unit of times.
///
/// # Errors
/// For each column that has no common type, what stands in the way.
pub fn common_schema<'a>(
    schemas: impl IntoIterator<Item = &'a TypePtr>,
) -> Result<TypePtr, Vec<String>> {
    let mut obstacles = Vec::new();
    let mut schemas = schemas.into_iter();
    let Some(first) = schemas.next() else { return Err(obstacles) };
    let common = schemas.fold(Arc::clone(first), |common, schema| {
        Merge { obstacles: &mut obstacles }.groups(&common, schema, "", false)
    });
    if obstacles.is_empty() { Ok(common) } else { Err(obstacles) }
}

/// Which field of `b` belongs to each field of `a`: by name, and by place inside of lists and
/// maps, where writers name fields as they like. `None` where they have other fields.
pub(crate) fn pair_fields(a: &Type, b: &Type, by_place: bool) -> Option<Vec<usize>> {
    let (a, b) = (fields_of(a), fields_of(b));
    if a.len() != b.len() {
        return None;
    }
    if by_place {
        return Some((0..a.len()).collect());
    }
    let place_in_b = |name: &str| {
        let mut places = b.iter().enumerate().filter(|(_, field)| field.name() == name);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Some(place),
            _ => None,
        }
    };
    a.iter().map(|field| place_in_b(field.name())).collect()
}

/// Whether the fields below, and theirs, are known by their places.
pub(crate) fn is_list_or_map(group: &Type) -> bool {
    let info = group.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::List | LogicalType::Map))
        || matches!(
            info.converted_type(),
            ConvertedType::LIST | ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE
        )
}

/// Whether a column has no values, so that its writer knew no type for it.
pub(crate) fn is_null(field: &Type) -> bool {
    field.is_primitive()
        && matches!(field.get_basic_info().logical_type_ref(), Some(LogicalType::Unknown))
}

fn fields_of(group: &Type) -> &[TypePtr] {
    if group.is_group() { group.get_fields() } else { &[] }
}

pub(crate) fn repetition_of(field: &Type) -> Repetition {
    let info = field.get_basic_info();
    if info.has_repetition() { info.repetition() } else { Repetition::REQUIRED }
}

/// What of a leaf's type decides how it can be widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Integer { bits: u8, is_signed: bool },
    Float,
    Double,
    Timestamp { unit: Unit, is_utc: bool },
    Time { unit: Unit, is_utc: bool },
}

/// Coarse before fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    pub(crate) fn per_second(self) -> i64 {
        match self {
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }

    fn in_words(words: &str) -> Option<Self> {
        Some(match words {
            "ms" => Self::Millis,
            "us" => Self::Micros,
            "ns" => Self::Nanos,
            _ => return None,
        })
    }
}

impl Number {
    /// Reads it off the words, which are the same for all ways of annotating a type.
    pub(crate) fn of(leaf: &Type) -> Option<Self> {
        let words = leaf_words(leaf);
        let in_brackets = |name: &str| -> Option<(Unit, bool)> {
            let inside = words.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            let (unit, is_utc) =
                inside.strip_suffix(", UTC").map_or((inside, false), |unit| (unit, true));
            Some((Unit::in_words(unit)?, is_utc))
        };
        let integer = |prefix: &str, is_signed: bool| -> Option<Self> {
            let bits = words.strip_prefix(prefix)?.parse().ok()?;
            Some(Self::Integer { bits, is_signed })
        };
        match words.as_str() {
            "float" => Some(Self::Float),
            "double" => Some(Self::Double),
            _ => integer("int", true)
                .or_else(|| integer("uint", false))
                .or_else(|| {
                    in_brackets("timestamp").map(|(unit, is_utc)| Self::Timestamp { unit, is_utc })
                })
                .or_else(|| in_brackets("time").map(|(unit, is_utc)| Self::Time { unit, is_utc })),
        }
    }

    /// The narrowest type that holds all values of both. Integers of 64 bits and doubles meet
    /// in doubles: whether that loses something depends on the values.
    fn common(self, other: Self) -> Option<Self> {
        use Number::{Double, Float, Integer, Time, Timestamp};
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
            (Integer { bits, .. }, Float) | (Float, Integer { bits, .. }) if bits <= 16 => Float,
            (Integer { .. } | Float | Double, Integer { .. } | Float | Double) => Double,
            (Timestamp { unit: a, is_utc }, Timestamp { unit: b, is_utc: other_is_utc })
                if is_utc == other_is_utc =>
            {
                Timestamp { unit: a.max(b), is_utc }
            }
            (Time { unit: a, is_utc }, Time { unit: b, is_utc: other_is_utc })
                if is_utc == other_is_utc =>
            {
                Time { unit: a.max(b), is_utc }
            }
            _ => return None,
        })
    }
}

fn other_columns(a: &TypePtr, b: &TypePtr) -> String {
    let names =
        |group| -> Vec<&str> { fields_of(group).iter().map(|field| field.name()).collect() };
    let (of_a, of_b) = (names(a), names(b));
    let only = |these: &[&str], others: &[&str]| -> Vec<String> {
        these.iter().filter(|name| !others.contains(name)).map(|name| format!("'{name}'")).collect()
    };
    let some_have = [only(&of_a, &of_b), only(&of_b, &of_a)].concat();
    if some_have.is_empty() {
        return "they do not have the same columns".to_owned();
    }
    format!("not all files have {}", some_have.join(", "))
}

struct Merge<'a> {
    obstacles: &'a mut Vec<String>,
}

impl Merge<'_> {
    fn groups(&mut self, a: &TypePtr, b: &TypePtr, path: &str, by_place: bool) -> TypePtr {
        let Some(pairs) = pair_fields(a, b, by_place) else {
            return self.stuck(a, path, &other_columns(a, b));
        };
        let by_place = is_list_or_map(a) && !by_place;
        let fields = fields_of(a)
            .iter()
            .zip(pairs)
            .map(|(field, place)| {
                let path = join(path, field.name());
                self.fields(field, &fields_of(b)[place], &path, by_place)
            })
            .collect();
        let repetition = common_repetition(a, b);
        self.built(a, path, with_fields(a, fields, repetition))
    }

    fn fields(&mut self, a: &TypePtr, b: &TypePtr, path: &str, by_place: bool) -> TypePtr {
        let is_repeated = |field| repetition_of(field) == Repetition::REPEATED;
        if is_repeated(a) != is_repeated(b) {
            return self.stuck(a, path, "one is repeated, and one is not");
        }
        if is_null(b) && !is_repeated(a) {
            return self.nullable(a, path);
        }
        if is_null(a) && !is_repeated(b) {
            return self.nullable(b, path);
        }
        if a.is_group() && b.is_group() {
            let annotation = |field: &Type| field.get_basic_info().logical_type_ref().cloned();
            if is_list_or_map(a) == is_list_or_map(b)
                && (is_list_or_map(a) || annotation(a) == annotation(b))
            {
                return self.groups(a, b, path, by_place);
            }
        }
        if a.is_primitive() && b.is_primitive() {
            return self.leaves(a, b, path);
        }
        let message = no_common_type(a, b);
        self.stuck(a, path, &message)
    }

    fn leaves(&mut self, a: &TypePtr, b: &TypePtr, path: &str) -> TypePtr {
        let repetition = common_repetition(a, b);
        if leaf_words(a) == leaf_words(b) {
            return self.built(a, path, with_repetition(a, repetition));
        }
        let (of_a, of_b) = (Number::of(a), Number::of(b));
        let common = of_a.zip(of_b).and_then(|(a, b)| a.common(b));
        match common {
            None => {
                let message = no_common_type(a, b);
                self.stuck(a, path, &message)
            }
            Some(_) if common == of_a => self.built(a, path, with_repetition(a, repetition)),
            Some(_) if common == of_b => self.built(a, path, with_repetition(b, repetition)),
            Some(number) => self.built(a, path, widened(a.name(), number, repetition)),
        }
    }

    fn nullable(&mut self, field: &TypePtr, path: &str) -> TypePtr {
        let nullable = if field.is_group() {
            with_fields(field, fields_of(field).to_vec(), Repetition::OPTIONAL)
        } else {
            with_repetition(field, Repetition::OPTIONAL)
        };
        self.built(field, path, nullable)
    }

    fn built(
        &mut self,
        fallback: &TypePtr,
        path: &str,
        built: parquet::errors::Result<Type>,
    ) -> TypePtr {
        match built {
            Ok(built) => Arc::new(built),
            Err(error) => self.stuck(fallback, path, &error.to_string()),
        }
    }

    fn stuck(&mut self, fallback: &TypePtr, path: &str, why: &str) -> TypePtr {
        let obstacle = if path.is_empty() { why.to_owned() } else { format!("'{path}': {why}") };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
        Arc::clone(fallback)
    }
}

fn no_common_type(a: &Type, b: &Type) -> String {
    format!("{} and {} have no common type", type_words(a), type_words(b))
}

fn common_repetition(a: &Type, b: &Type) -> Repetition {
    let is_nullable = |field| repetition_of(field) == Repetition::OPTIONAL;
    if is_nullable(a) || is_nullable(b) { Repetition::OPTIONAL } else { repetition_of(a) }
}

fn widened(name: &str, number: Number, repetition: Repetition) -> parquet::errors::Result<Type> {
    let physical = match number {
        Number::Integer { bits, .. } if bits <= 32 => Physical::INT32,
        Number::Float => Physical::FLOAT,
        Number::Double => Physical::DOUBLE,
        _ => Physical::INT64,
    };
    let logical = match number {
        Number::Integer { bits, is_signed } if bits < 32 || !is_signed => {
            Some(LogicalType::integer(i8::try_from(bits).unwrap_or(i8::MAX), is_signed))
        }
        _ => None,
    };
    Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()
}

fn with_fields(
    group: &Type,
    fields: Vec<TypePtr>,
    repetition: Repetition,
) -> parquet::errors::Result<Type> {
    let info = group.get_basic_info();
    let builder = Type::group_type_builder(group.name()).with_fields(fields);
    if !info.has_repetition() {
        return builder.build();
    }
    builder
        .with_repetition(repetition)
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .build()
}

fn with_repetition(leaf: &Type, repetition: Repetition) -> parquet::errors::Result<Type> {
    let Type::PrimitiveType { basic_info, physical_type, type_length, scale, precision } = leaf
    else {
        return Ok(leaf.clone());
    };
    Type::primitive_type_builder(leaf.name(), *physical_type)
        .with_repetition(repetition)
        .with_converted_type(basic_info.converted_type())
        .with_logical_type(basic_info.logical_type_ref().cloned())
        .with_length(*type_length)
        .with_precision(*precision)
        .with_scale(*scale)
        .build()
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}
