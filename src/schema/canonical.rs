//! Converts a schema back to a Parquet schema.

use std::sync::Arc;

use parquet::{
    basic::{LogicalType, Repetition as ParquetRepetition},
    schema::types::{Type, TypePtr},
};

use super::tree::{Column, DataType, Repetition, Schema};

impl Schema {
    /// The Parquet schema for this schema; `None` if a type is only known by its text.
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
        DataType::Leaf(leaf) => leaf.to_parquet(name, repetition)?,
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

#[cfg(test)]
mod tests {
    use crate::schema::{
        LeafType, Schema,
        leaf::ALL_WORDS,
        tree::{Column, DataType, Repetition},
    };

    fn column(name: &str, data_type: DataType) -> Column {
        Column { name: name.to_owned(), repetition: Repetition::Nullable, data_type }
    }

    fn leaf(words: &str) -> DataType {
        DataType::Leaf(LeafType::from_words(words))
    }

    #[test]
    fn a_schema_becomes_a_parquet_schema_and_is_read_off_it() {
        let leaves = || ALL_WORDS.map(|words| column(words, leaf(words)));
        let group = |columns| DataType::Group { annotation: None, columns };
        let columns = vec![
            column("group", group(leaves().into())),
            column("list", DataType::List(Box::new(column("element", group(leaves().into()))))),
            column(
                "map",
                DataType::Map(vec![
                    Column { repetition: Repetition::Required, ..column("key", leaf("int32")) },
                    column("value", leaf("string")),
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
            let schema = Schema { columns: vec![column("a", leaf(words))] };
            assert_eq!(schema.to_parquet(), None, "{words}");
        }
    }
}
