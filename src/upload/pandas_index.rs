//! Finds the index of a pandas frame among the columns of its Arrow stream.

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use serde_json::Value;

/// The metadata key of the Arrow schema under which pandas describes a frame.
const PANDAS: &str = "pandas";

/// The columns that the `pandas` metadata of a stream lists as the index.
#[must_use]
pub fn index_columns(schema: &Schema) -> Vec<String> {
    let described = schema.metadata().get(PANDAS);
    let described = described.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let index = described.as_ref().and_then(|it| it["index_columns"].as_array());
    // A range index is only described; it is not a column.
    let names = index.into_iter().flatten().filter_map(Value::as_str);
    names.filter(|name| schema.index_of(name).is_ok()).map(str::to_owned).collect()
}

/// The columns that are named like an index without a name.
#[must_use]
pub fn unnamed_index_columns(schema: &Schema) -> Vec<String> {
    let is_unnamed = |name: &&str| {
        let level = name.strip_prefix("__index_level_").and_then(|it| it.strip_suffix("__"));
        level.is_some_and(|level| level.parse::<u32>().is_ok())
    };
    let names = schema.fields().iter().map(|field| field.name().as_str());
    names.filter(is_unnamed).map(str::to_owned).collect()
}

/// A schema without the columns with these names.
#[must_use]
pub fn without_columns(schema: &Schema, names: &[String]) -> Schema {
    schema.project(&places_without(schema, names)).unwrap_or_else(|_| schema.clone())
}

fn places_without(schema: &Schema, names: &[String]) -> Vec<usize> {
    let is_kept = |place: &usize| !names.contains(schema.field(*place).name());
    (0..schema.fields().len()).filter(is_kept).collect()
}

/// Batches without the columns with these names.
#[must_use]
pub fn reader_without_columns(
    batches: Box<dyn RecordBatchReader + Send>,
    names: &[String],
) -> Box<dyn RecordBatchReader + Send> {
    if names.is_empty() {
        return batches;
    }
    let schema = batches.schema();
    let places = places_without(&schema, names);
    let schema = SchemaRef::new(without_columns(&schema, names));
    Box::new(Projected { batches, places, schema })
}

struct Projected {
    batches: Box<dyn RecordBatchReader + Send>,
    places: Vec<usize>,
    schema: SchemaRef,
}

impl Iterator for Projected {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.and_then(|batch| batch.project(&self.places)))
    }
}

impl RecordBatchReader for Projected {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use arrow_array::{Int64Array, RecordBatch, RecordBatchIterator, RecordBatchReader};
    use arrow_schema::{DataType, Field, Schema};

    use super::{index_columns, reader_without_columns, unnamed_index_columns};

    fn schema(names: &[&str], pandas: &str) -> Schema {
        let field = |name: &&str| Field::new(*name, DataType::Int64, true);
        let fields: Vec<_> = names.iter().map(field).collect();
        let metadata = HashMap::from([("pandas".to_owned(), pandas.to_owned())]);
        Schema::new_with_metadata(fields, metadata)
    }

    #[test]
    fn the_metadata_says_which_columns_are_index() {
        for (pandas, expected) in [
            (r#"{"index_columns": ["k", "__index_level_1__"]}"#, vec!["k", "__index_level_1__"]),
            (r#"{"index_columns": [{"kind": "range", "start": 0}]}"#, vec![]),
            (r#"{"index_columns": ["not there", 7, null]}"#, vec![]),
            (r#"{"index_columns": "k"}"#, vec![]),
            (r#"["k"]"#, vec![]),
            ("no JSON", vec![]),
        ] {
            let schema = schema(&["a", "k", "__index_level_1__"], pandas);
            assert_eq!(index_columns(&schema), expected, "{pandas}");
        }
    }

    #[test]
    fn an_index_without_a_name_is_recognized_by_the_name_of_its_column() {
        let names = ["__index_level_0__", "__index_level_x__", "__index_level___", "index"];
        assert_eq!(unnamed_index_columns(&schema(&names, "")), ["__index_level_0__"]);
    }

    #[test]
    fn the_other_columns_stay_in_their_order() {
        let schema = Arc::new(schema(&["a", "k", "b"], ""));
        let column = |value: i64| Arc::new(Int64Array::from(vec![value])) as _;
        let columns = vec![column(1), column(2), column(3)];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let batches = Box::new(RecordBatchIterator::new([Ok(batch)], schema));

        let mut left = reader_without_columns(batches, &["k".to_owned()]);

        let batch = left.next().unwrap().unwrap();
        assert_eq!(batch.schema(), left.schema());
        let names: Vec<_> = batch.schema().fields().iter().map(|it| it.name().clone()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
