//! Converts a schema back to a Parquet schema.

use std::sync::Arc;

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition as ParquetRepetition, TimeUnit},
    schema::types::{Type, TypePtr},
};

use super::{
    leaf_type::{LeafType, Storage, Unit},
    tree::{Column, DataType, Repetition, Schema},
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
        DataType::Leaf(leaf_type) => leaf(leaf_type, name, repetition)?,
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

fn leaf(leaf_type: &LeafType, name: &str, repetition: ParquetRepetition) -> Option<Type> {
    let (physical, length) = storage_of(leaf_type)?.physical();
    let builder = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_length(length);
    let builder = match *leaf_type {
        LeafType::Decimal { precision, scale, .. } => {
            builder.with_precision(precision).with_scale(scale)
        }
        LeafType::Interval => builder.with_converted_type(ConvertedType::INTERVAL),
        _ => builder,
    };
    let leaf = builder.with_logical_type(logical_of(leaf_type)).build().ok()?;
    // Some combinations, such as an integer of 7 bits, are no type.
    (LeafType::of(&leaf) == *leaf_type).then_some(leaf)
}

fn storage_of(leaf_type: &LeafType) -> Option<Storage> {
    Some(match *leaf_type {
        LeafType::Bool => Storage::Bool,
        LeafType::Integer { bits: ..=32, .. }
        | LeafType::Date
        | LeafType::Time { unit: Unit::Millis, .. } => Storage::Int32,
        LeafType::Integer { .. } | LeafType::Time { .. } | LeafType::Timestamp { .. } => {
            Storage::Int64
        }
        LeafType::Int96 => Storage::Int96,
        LeafType::Float => Storage::Float,
        LeafType::Double => Storage::Double,
        LeafType::Float16 => Storage::FixedBinary(2),
        LeafType::Interval => Storage::FixedBinary(12),
        LeafType::Uuid => Storage::FixedBinary(16),
        LeafType::FixedBinary(length) => Storage::FixedBinary(length),
        LeafType::String | LeafType::Enum | LeafType::Json | LeafType::Bson | LeafType::Binary => {
            Storage::Binary
        }
        LeafType::Decimal { storage, .. } | LeafType::Null(storage) => storage,
        LeafType::Other(_) => return None,
    })
}

fn logical_of(leaf_type: &LeafType) -> Option<LogicalType> {
    Some(match *leaf_type {
        LeafType::String => LogicalType::String,
        LeafType::Enum => LogicalType::Enum,
        LeafType::Json => LogicalType::Json,
        LeafType::Bson => LogicalType::Bson,
        LeafType::Uuid => LogicalType::Uuid,
        LeafType::Float16 => LogicalType::Float16,
        LeafType::Date => LogicalType::Date,
        LeafType::Null(_) => LogicalType::Unknown,
        LeafType::Decimal { precision, scale, .. } => LogicalType::decimal(scale, precision),
        LeafType::Integer { bits, is_signed } if bits < 32 || !is_signed => {
            LogicalType::integer(i8::try_from(bits).ok()?, is_signed)
        }
        LeafType::Time { unit, is_utc } => LogicalType::time(is_utc, unit.of_parquet()),
        LeafType::Timestamp { unit, is_utc } => LogicalType::timestamp(is_utc, unit.of_parquet()),
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
        leaf_type::{LeafType, tests::WORDS},
        tree::{Column, DataType, Repetition},
    };

    fn column(name: &str, data_type: DataType) -> Column {
        Column { name: name.to_owned(), repetition: Repetition::Nullable, data_type }
    }

    #[test]
    fn a_schema_becomes_a_parquet_schema_and_is_read_off_it() {
        let leaves = || WORDS.map(|words| column(words, DataType::Leaf(LeafType::in_words(words))));
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
                    column("value", DataType::Leaf(LeafType::String)),
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
            let leaf = DataType::Leaf(LeafType::in_words(words));
            let schema = Schema { columns: vec![column("a", leaf)] };
            assert_eq!(schema.to_parquet(), None, "{words}");
        }
    }
}
