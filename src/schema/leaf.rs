//! Converts a schema back to a Parquet schema.

use std::sync::Arc;

use parquet::{
    basic::{
        ConvertedType, LogicalType, Repetition as ParquetRepetition, TimeUnit, Type as Physical,
    },
    schema::types::{Type, TypePtr},
};

use super::{
    number::{Number, Unit},
    tree::{Column, DataType, Repetition, Schema, leaf_words},
};

impl Schema {
    /// The Parquet schema for this schema; `None` if a type cannot be recreated from its
    /// description.
    pub(crate) fn to_parquet(&self) -> Option<TypePtr> {
        let fields = fields(&self.columns)?;
        Some(Arc::new(Type::group_type_builder("schema").with_fields(fields).build().ok()?))
    }
}

/// The canonical Parquet schema of all files that are equal as a [`Schema`]; these may differ in
/// names of groups and in field ids. Files rewritten to it have the same bytes in every run,
/// whether the run takes the schema from files or from the dataset's listing.
pub(crate) fn canonical(schema: TypePtr) -> TypePtr {
    Schema::from_parquet(&schema).to_parquet().unwrap_or(schema)
}

fn fields(columns: &[Column]) -> Option<Vec<TypePtr>> {
    columns.iter().map(|column| field(column, &column.name)).collect()
}

fn field(column: &Column, name: &str) -> Option<TypePtr> {
    let repetition = match column.repetition {
        Repetition::Required => ParquetRepetition::REQUIRED,
        Repetition::Nullable => ParquetRepetition::OPTIONAL,
        Repetition::Repeated => ParquetRepetition::REPEATED,
    };
    let group = |logical, fields| {
        let builder = Type::group_type_builder(name).with_repetition(repetition);
        builder.with_logical_type(logical).with_fields(fields).build().ok()
    };
    let repeated = |name, fields| {
        let builder = Type::group_type_builder(name).with_repetition(ParquetRepetition::REPEATED);
        Some(vec![Arc::new(builder.with_fields(fields).build().ok()?)])
    };
    let field = match &column.data_type {
        DataType::Leaf(words) => leaf(words, name, repetition)?,
        DataType::List(element) => {
            let element = vec![field(element, "element")?];
            group(Some(LogicalType::List), repeated("list", element)?)?
        }
        DataType::Map(entries) => {
            group(Some(LogicalType::Map), repeated("key_value", fields(entries)?)?)?
        }
        DataType::Group { annotation: None, columns } => group(None, fields(columns)?)?,
        DataType::Group { .. } => return None,
    };
    Some(Arc::new(field))
}

/// Parses the description of a type.
fn leaf(words: &str, name: &str, repetition: ParquetRepetition) -> Option<Type> {
    let number = Number::in_words(words);
    let (physical, length) = physical_of(words, number)?;
    let builder = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_length(length);
    let builder = match number {
        Some(Number::Decimal { precision, scale }) => builder
            .with_logical_type(Some(LogicalType::decimal(scale, precision)))
            .with_precision(precision)
            .with_scale(scale),
        Some(Number::Integer { bits, is_signed }) if bits < 32 || !is_signed => builder
            .with_logical_type(Some(LogicalType::integer(i8::try_from(bits).ok()?, is_signed))),
        Some(Number::Timestamp { unit, is_utc }) => {
            builder.with_logical_type(Some(LogicalType::timestamp(is_utc, unit.of_parquet())))
        }
        Some(Number::Time { unit, is_utc }) => {
            builder.with_logical_type(Some(LogicalType::time(is_utc, unit.of_parquet())))
        }
        _ if words == "interval" => builder.with_converted_type(ConvertedType::INTERVAL),
        _ => builder.with_logical_type(logical_of(words)),
    };
    builder.build().ok().filter(|leaf| leaf_words(leaf) == words)
}

fn physical_of(words: &str, number: Option<Number>) -> Option<(Physical, i32)> {
    let plain = |words: &str| {
        Some(match words {
            "bool" => (Physical::BOOLEAN, -1),
            "int32" => (Physical::INT32, -1),
            "int64" => (Physical::INT64, -1),
            "int96 timestamp" => (Physical::INT96, -1),
            "float" => (Physical::FLOAT, -1),
            "double" => (Physical::DOUBLE, -1),
            "binary" => (Physical::BYTE_ARRAY, -1),
            words => {
                let length = words.strip_prefix("fixed_size_binary[")?.strip_suffix(']')?;
                (Physical::FIXED_LEN_BYTE_ARRAY, length.parse().ok()?)
            }
        })
    };
    // The description of an annotated type includes the physical type if it matters.
    if let Some((_, physical)) = words.rsplit_once(") in ") {
        return plain(physical);
    }
    if let Some(physical) = words.strip_prefix("null (in ") {
        return plain(physical.strip_suffix(')')?);
    }
    Some(match (words, number) {
        ("string" | "enum" | "json" | "bson", _) => (Physical::BYTE_ARRAY, -1),
        ("uuid", _) => (Physical::FIXED_LEN_BYTE_ARRAY, 16),
        ("float16", _) => (Physical::FIXED_LEN_BYTE_ARRAY, 2),
        ("interval", _) => (Physical::FIXED_LEN_BYTE_ARRAY, 12),
        ("date", _)
        | (
            _,
            Some(Number::Integer { bits: ..=32, .. } | Number::Time { unit: Unit::Millis, .. }),
        ) => (Physical::INT32, -1),
        (_, Some(Number::Integer { .. } | Number::Timestamp { .. } | Number::Time { .. })) => {
            (Physical::INT64, -1)
        }
        (words, _) => plain(words)?,
    })
}

fn logical_of(words: &str) -> Option<LogicalType> {
    Some(match words {
        "string" => LogicalType::String,
        "enum" => LogicalType::Enum,
        "json" => LogicalType::Json,
        "bson" => LogicalType::Bson,
        "uuid" => LogicalType::Uuid,
        "float16" => LogicalType::Float16,
        "date" => LogicalType::Date,
        _ if words.starts_with("null (in ") => LogicalType::Unknown,
        _ => return None,
    })
}

impl Unit {
    fn of_parquet(self) -> TimeUnit {
        match self {
            Self::Millis => TimeUnit::MILLIS,
            Self::Micros => TimeUnit::MICROS,
            Self::Nanos => TimeUnit::NANOS,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::{
        Schema,
        tree::{Column, DataType, Repetition},
    };

    fn column(name: &str, data_type: DataType) -> Column {
        Column { name: name.to_owned(), repetition: Repetition::Nullable, data_type }
    }

    #[test]
    fn a_schema_becomes_a_parquet_schema_and_is_read_off_it() {
        let words = [
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float16",
            "float",
            "double",
            "string",
            "binary",
            "enum",
            "json",
            "bson",
            "uuid",
            "date",
            "interval",
            "int96 timestamp",
            "fixed_size_binary[7]",
            "time[ms]",
            "time[us, UTC]",
            "time[ns]",
            "timestamp[ms]",
            "timestamp[us, UTC]",
            "timestamp[ns]",
            "null (in int32)",
            "null (in binary)",
            "decimal(9, 2) in int32",
            "decimal(18, 0) in int64",
            "decimal(38, 10) in fixed_size_binary[16]",
            "decimal(76, 3) in fixed_size_binary[32]",
            "decimal(5, 5) in binary",
        ];
        let leaves = || words.map(|words| column(words, DataType::Leaf(words.to_owned())));
        let group = |columns| DataType::Group { annotation: None, columns };
        let columns = vec![
            column("group", group(leaves().into())),
            column("list", DataType::List(Box::new(column("element", group(leaves().into()))))),
            column(
                "map",
                DataType::Map(vec![
                    Column {
                        repetition: Repetition::Required,
                        ..column("key", leaves()[3].data_type.clone())
                    },
                    column("value", DataType::Leaf("string".to_owned())),
                ]),
            ),
            Column { repetition: Repetition::Repeated, ..leaves()[0].clone() },
        ];
        let schema = Schema { columns: [leaves().to_vec(), columns].concat() };
        assert_eq!(Schema::from_parquet(&schema.to_parquet().unwrap()), schema);
    }

    #[test]
    fn unknown_descriptions_are_not_a_type() {
        for words in
            ["geometry in binary", "", "decimal(400, 2) in int32", "int7", "fixed_size_binary[x]"]
        {
            let schema = Schema { columns: vec![column("a", DataType::Leaf(words.to_owned()))] };
            assert_eq!(schema.to_parquet(), None, "{words}");
        }
    }
}
