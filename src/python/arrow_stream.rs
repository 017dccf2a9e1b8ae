//! Passes record batches of the core to Python as an Arrow stream.
//!
//! `pyo3_arrow` has classes for this as well, but their many methods would add to the size of the
//! extension, and nothing here calls them.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatchReader, StructArray};
use arrow_schema::{DataType, Field, FieldRef, Schema};
use pyo3::{prelude::*, types::PyCapsule};
use pyo3_arrow::{
    error::PyArrowResult,
    ffi::{ArrayIterator, to_stream_pycapsule},
};
use tokio::task::AbortHandle;

use super::errors::internal_error;
use crate::lock::Lock;

/// An object with `__arrow_c_stream__`, for one use.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct ArrowStream {
    reader: Lock<Option<Box<dyn RecordBatchReader + Send>>>,
    /// Makes what the reader waits for.
    task: Option<AbortHandle>,
}

impl ArrowStream {
    pub(super) fn new(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self { reader: Lock::new(Some(reader)), task: None }
    }

    /// The same stream, whose batches are made by a task.
    pub(super) fn made_by(self, task: AbortHandle) -> Self {
        Self { task: Some(task), ..self }
    }
}

#[pymethods]
impl ArrowStream {
    /// The columns that are nested more than `levels` deep.
    fn columns_deeper_than(&self, levels: usize) -> Vec<String> {
        let reader = self.reader.lock();
        let schema = reader.as_ref().map(RecordBatchReader::schema);
        let fields = schema.iter().flat_map(|schema| schema.fields());
        let deep = fields.filter(|field| levels_of(field.data_type()) > levels);
        deep.map(|field| field.name().clone()).collect()
    }

    /// Ends the stream with an error, also for a thread that waits for its next batch.
    fn stop(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    /// A stream may ignore the requested schema; this one does. Code that casts any type to any
    /// other would add to the size of the extension.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let reader = self.reader.take();
        let reader = reader.ok_or_else(|| internal_error("the stream was already used"))?;
        let schema: Arc<Schema> = reader.schema();
        let field = Field::new_struct("", schema.fields().clone(), false)
            .with_metadata(schema.metadata().clone());
        let arrays = reader.map(|batch| Ok(Arc::new(StructArray::from(batch?)) as ArrayRef));
        let arrays = ArrayIterator::new(arrays, Arc::new(field));
        to_stream_pycapsule(py, Box::new(arrays), None)
    }
}

/// The nesting depth of a type.
fn levels_of(data_type: &DataType) -> usize {
    let inner = |fields: &[FieldRef]| {
        fields.iter().map(|field| levels_of(field.data_type())).max().unwrap_or_default()
    };
    1 + match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => levels_of(field.data_type()),
        DataType::Struct(fields) => inner(fields),
        _ => 0,
    }
}
