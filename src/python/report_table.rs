//! A report as an Arrow table, so that `polars.DataFrame(report)` and the like work.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchIterator, StringArray, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
    builder::{ListBuilder, StringBuilder},
};
use arrow_schema::ArrowError;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::arrow_stream::ArrowStream;

/// Converts a `sutro.UploadedFile`.
#[derive(FromPyObject)]
pub(super) struct UploadedRow {
    position: u64,
    name: String,
    sources: Vec<String>,
    file_id: Option<String>,
    size_bytes: u64,
    row_count: u64,
    status: String,
    changes: Vec<String>,
    attempts: u32,
    started: Option<SystemTime>,
    transferred: Option<SystemTime>,
    committed: Option<SystemTime>,
}

/// Converts a `sutro.CheckedFile`.
#[derive(FromPyObject)]
pub(super) struct CheckedRow {
    name: String,
    path: String,
    size_bytes: u64,
    row_count: u64,
    row_groups: u64,
    codecs: Vec<String>,
    schema_group: u64,
}

/// The files of a report as a table with the Arrow `PyCapsule` interface.
#[pyfunction]
pub(super) fn upload_report_stream(files: Vec<UploadedRow>) -> PyResult<ArrowStream> {
    to_stream(uploaded_batch(&files))
}

/// The files of a check's report as an Arrow table.
#[pyfunction]
pub(super) fn check_report_stream(files: Vec<CheckedRow>) -> PyResult<ArrowStream> {
    to_stream(checked_batch(&files))
}

fn to_stream(batch: Result<RecordBatch, ArrowError>) -> PyResult<ArrowStream> {
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let schema = batch.schema();
    Ok(ArrowStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema))))
}

fn checked_batch(files: &[CheckedRow]) -> Result<RecordBatch, ArrowError> {
    let strings = |text: fn(&CheckedRow) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(files.iter().map(text)))
    };
    let numbers = |number: fn(&CheckedRow) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(files.iter().map(number)))
    };
    RecordBatch::try_from_iter([
        ("name", strings(|file| &file.name)),
        ("path", strings(|file| &file.path)),
        ("size_bytes", numbers(|file| file.size_bytes)),
        ("row_count", numbers(|file| file.row_count)),
        ("row_groups", numbers(|file| file.row_groups)),
        ("codecs", lists(files.iter().map(|file| &file.codecs))),
        ("schema_group", numbers(|file| file.schema_group)),
    ])
}

fn uploaded_batch(files: &[UploadedRow]) -> Result<RecordBatch, ArrowError> {
    let times = |time: fn(&UploadedRow) -> Option<SystemTime>| -> ArrayRef {
        let times = files.iter().map(|file| time(file).map(microseconds));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let strings = |text: fn(&UploadedRow) -> Option<&str>| -> ArrayRef {
        Arc::new(files.iter().map(text).collect::<StringArray>())
    };
    let numbers = |number: fn(&UploadedRow) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(files.iter().map(number)))
    };
    let attempts = UInt32Array::from_iter_values(files.iter().map(|file| file.attempts));
    RecordBatch::try_from_iter([
        ("position", numbers(|file| file.position)),
        ("name", strings(|file| Some(&file.name))),
        ("file_id", strings(|file| file.file_id.as_deref())),
        ("size_bytes", numbers(|file| file.size_bytes)),
        ("row_count", numbers(|file| file.row_count)),
        ("status", strings(|file| Some(&file.status))),
        ("changes", lists(files.iter().map(|file| &file.changes))),
        ("attempts", Arc::new(attempts) as ArrayRef),
        ("started", times(|file| file.started)),
        ("transferred", times(|file| file.transferred)),
        ("committed", times(|file| file.committed)),
        ("sources", lists(files.iter().map(|file| &file.sources))),
    ])
}

/// Since the epoch, as Arrow stores timestamps. A clock may be set to a time before it.
fn microseconds(time: SystemTime) -> i64 {
    let since = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => since(after),
        Err(before) => -since(before.duration()),
    }
}

fn lists<'a>(texts: impl Iterator<Item = &'a Vec<String>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    texts.for_each(|texts| lists.append_value(texts.iter().map(Some)));
    Arc::new(lists.finish())
}
