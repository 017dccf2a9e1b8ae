use std::cell::Cell;

use proptest::prelude::*;

use crate::schema::{
    LeafType, Schema, diff,
    tree::{Column, DataType, MAX_DEPTH, Repetition},
};

thread_local! {
    static IS_PLANTED: Cell<bool> = const { Cell::new(false) };
}

/// While this value exists, schemas of this thread are stored as in releases before 0.3: a bug that
/// tests must find.
pub(crate) struct StoredAsBefore;

impl StoredAsBefore {
    pub(crate) fn plant() -> Self {
        IS_PLANTED.set(true);
        Self
    }

    pub(super) fn is_planted() -> bool {
        IS_PLANTED.get()
    }
}

impl Drop for StoredAsBefore {
    fn drop(&mut self) {
        IS_PLANTED.set(false);
    }
}

/// A schema in the format of releases before 0.3.
pub(super) fn nested_text(schema: &Schema) -> String {
    format!(r#"{{"columns":{}}}"#, nested_columns(&schema.columns))
}

fn nested_columns(columns: &[Column]) -> String {
    let columns: Vec<_> = columns.iter().map(nested_column).collect();
    format!("[{}]", columns.join(","))
}

fn nested_column(column: &Column) -> String {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let data_type = match &column.data_type {
        DataType::Leaf(leaf) => format!(r#""leaf":{}"#, json(&leaf.to_string())),
        DataType::List(element) => format!(r#""list":{}"#, nested_column(element)),
        DataType::Map(entries) => format!(r#""map":{}"#, nested_columns(entries)),
        DataType::Group { annotation, columns } => format!(
            r#""group":{{"annotation":{},"columns":{}}}"#,
            annotation.as_deref().map_or("null".to_owned(), json),
            nested_columns(columns),
        ),
    };
    let (name, repetition) = (json(&column.name), column.repetition);
    format!(r#"{{"name":{name},"repetition":"{repetition}","data_type":{{{data_type}}}}}"#)
}

fn leaf(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        repetition: Repetition::Nullable,
        data_type: DataType::Leaf(LeafType::from_words("int64")),
    }
}

/// Nested columns, `depth` levels in total.
fn nested(depth: usize, around: fn(Column) -> DataType) -> Schema {
    let wrap = |inner: Column, _| Column { data_type: around(inner), ..leaf("a") };
    Schema { columns: vec![(1..depth).fold(leaf("a"), wrap)] }
}

const AROUND: [fn(Column) -> DataType; 3] = [
    |inner| DataType::List(Box::new(inner)),
    |inner| DataType::Map(vec![leaf("key"), inner]),
    |inner| DataType::Group { annotation: None, columns: vec![inner] },
];

#[test]
fn a_row_of_an_earlier_release_is_read() {
    // As release 0.2 wrote it to a catalog.
    let row = concat!(
        r#"{"columns":[{"name":"id","repetition":"required","data_type":{"leaf":"int64"}},"#,
        r#"{"name":"tags \"é\"","repetition":"nullable","data_type":{"list":{"name":"element","#,
        r#""repetition":"nullable","data_type":{"leaf":"string"}}}},{"name":"m","#,
        r#""repetition":"nullable","data_type":{"map":[{"name":"key","repetition":"required","#,
        r#""data_type":{"leaf":"string"}},{"name":"value","repetition":"nullable","data_type":"#,
        r#"{"group":{"annotation":null,"columns":[{"name":"x","repetition":"repeated","data_type":"#,
        r#"{"leaf":"double"}}]}}}]}},{"name":"v","repetition":"nullable","data_type":{"group":"#,
        r#"{"annotation":"variant","columns":[]}}}]}"#,
    );
    let schema = Schema::from_text(row).unwrap();
    assert_eq!(nested_text(&schema), row);
    let summary = schema.summary().fields;
    let types: Vec<_> = summary.iter().map(|field| field.data_type.as_str()).collect();
    assert_eq!(types, ["int64", "list<string>", "map<string, struct<x: double>>", "variant<>"]);
    assert_eq!(Schema::from_text(&schema.to_text()).unwrap(), schema);
}

#[test]
fn a_row_that_an_earlier_release_could_not_read_opens() {
    for around in AROUND {
        for depth in [31, 43, 64, 100] {
            let schema = nested(depth, around);
            assert_eq!(Schema::from_text(&nested_text(&schema)).unwrap(), schema);
        }
        assert!(Schema::from_text(&nested_text(&nested(101, around))).is_err());
    }
}

#[test]
fn the_text_has_one_form_that_other_releases_read() {
    let schema = nested(3, AROUND[2]);
    let text = concat!(
        r#"{"version":1,"elements":[{"name":"a","repetition":"nullable","type":{"group":[null,1]}},"#,
        r#"{"name":"a","repetition":"nullable","type":{"group":[null,1]}},"#,
        r#"{"name":"a","repetition":"nullable","type":{"leaf":"int64"}}]}"#,
    );
    assert_eq!(schema.to_text(), text);
    let newer = text.replace(r#""version":1"#, r#""version":2"#);
    let error = Schema::from_text(&newer).unwrap_err().to_string();
    assert_eq!(error, "the schema has version 2; this release reads only version 1");
}

#[test]
fn a_text_that_is_not_a_schema_is_an_error() {
    let deep = nested(MAX_DEPTH + 1, AROUND[2]).to_text();
    let bomb = format!(r#"{{"columns":{}"#, "[".repeat(1_000_000));
    let element =
        r#"{"name":"a","repetition":"nullable","type":{"group":[null,18446744073709551615]}}"#;
    let many = format!(r#"{{"version":1,"elements":[{element}]}}"#);
    for text in ["", "7", "{}", r#"{"columns":[}"#, &deep, &bomb, &many, &"[".repeat(1_000_000)] {
        assert!(Schema::from_text(text).is_err(), "{}", &text[..text.len().min(100)]);
    }
}

fn any_column() -> impl Strategy<Value = Column> {
    let repetition = prop_oneof![
        Just(Repetition::Required),
        Just(Repetition::Nullable),
        Just(Repetition::Repeated)
    ];
    let first =
        (any::<String>(), repetition, any::<String>()).prop_map(|(name, repetition, words)| {
            Column { name, repetition, data_type: DataType::Leaf(LeafType::from_words(&words)) }
        });
    first.prop_recursive(8, 64, 6, |inner| {
        let columns = || proptest::collection::vec(inner.clone(), 0..6);
        let data_type = prop_oneof![
            inner.clone().prop_map(|element| DataType::List(Box::new(element))),
            columns().prop_map(DataType::Map),
            (proptest::option::of(any::<String>()), columns())
                .prop_map(|(annotation, columns)| DataType::Group { annotation, columns }),
        ];
        (inner.clone(), data_type).prop_map(|(column, data_type)| Column { data_type, ..column })
    })
}

proptest! {
    #[test]
    fn every_schema_is_read_back_from_its_text(columns in proptest::collection::vec(any_column(), 0..6)) {
        let schema = Schema { columns };
        let read = Schema::from_text(&schema.to_text()).unwrap();
        prop_assert!(diff(&schema, &read).is_empty());
        prop_assert_eq!(&read, &schema);
        prop_assert_eq!(Schema::from_text(&nested_text(&schema)).unwrap(), schema);
    }
}

#[test]
fn every_depth_to_the_bound_is_read_back() {
    for around in AROUND {
        for depth in 1..=MAX_DEPTH {
            let schema = nested(depth, around);
            assert_eq!(Schema::from_text(&schema.to_text()).unwrap(), schema, "{depth}");
        }
    }
}
