//! A report as an Arrow table, so that `polars.DataFrame(report)` and its like work.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchIterator, StringArray, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
    builder::{ListBuilder, StringBuilder},
};
use arrow_schema::ArrowError;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::arrow_stream::ArrowStream;

/// Position, name, file id, size, rows, status, changes, attempts, and three times in microseconds
/// since 1970 (UTC).
type Row = (
    u64,
    String,
    Option<String>,
    u64,
    u64,
    String,
    Vec<String>,
    u32,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

/// The rows of a report as a table with the Arrow `PyCapsule` interface.
#[pyfunction]
pub(super) fn upload_report_stream(files: Vec<Row>) -> PyResult<ArrowStream> {
    to_stream(to_batch(&files))
}

/// Name, path, size, rows, row groups, codecs, schema group.
type CheckRow = (String, String, u64, u64, u64, Vec<String>, u64);

/// The rows of a check's report, likewise.
#[pyfunction]
pub(super) fn check_report_stream(files: Vec<CheckRow>) -> PyResult<ArrowStream> {
    to_stream(check_batch(&files))
}

fn to_stream(batch: Result<RecordBatch, ArrowError>) -> PyResult<ArrowStream> {
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let schema = batch.schema();
    Ok(ArrowStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema))))
}

fn check_batch(files: &[CheckRow]) -> Result<RecordBatch, ArrowError> {
    let strings = |text: fn(&CheckRow) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(files.iter().map(text)))
    };
    let numbers = |number: fn(&CheckRow) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(files.iter().map(number)))
    };
    RecordBatch::try_from_iter([
        ("name", strings(|file| &file.0)),
        ("path", strings(|file| &file.1)),
        ("size_bytes", numbers(|file| file.2)),
        ("row_count", numbers(|file| file.3)),
        ("row_groups", numbers(|file| file.4)),
        ("codecs", lists(files.iter().map(|file| &file.5))),
        ("schema_group", numbers(|file| file.6)),
    ])
}

fn to_batch(files: &[Row]) -> Result<RecordBatch, ArrowError> {
    let times = |time: fn(&Row) -> Option<i64>| -> ArrayRef {
        Arc::new(files.iter().map(time).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let strings = |text: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(files.iter().map(text).collect::<StringArray>())
    };
    let numbers = |number: fn(&Row) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(files.iter().map(number)))
    };
    RecordBatch::try_from_iter([
        ("position", numbers(|file| file.0)),
        ("name", strings(|file| Some(&file.1))),
        ("file_id", strings(|file| file.2.as_deref())),
        ("size_bytes", numbers(|file| file.3)),
        ("row_count", numbers(|file| file.4)),
        ("status", strings(|file| Some(&file.5))),
        ("changes", lists(files.iter().map(|file| &file.6))),
        (
            "attempts",
            Arc::new(UInt32Array::from_iter_values(files.iter().map(|file| file.7))) as ArrayRef,
        ),
        ("started", times(|file| file.8)),
        ("transferred", times(|file| file.9)),
        ("committed", times(|file| file.10)),
    ])
}

fn lists<'a>(texts: impl Iterator<Item = &'a Vec<String>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    texts.for_each(|texts| lists.append_value(texts.iter().map(Some)));
    Arc::new(lists.finish())
}
