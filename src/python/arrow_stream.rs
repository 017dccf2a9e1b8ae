//! Record batches of the core as an Arrow stream for Python.
//!
//! `pyo3_arrow` has classes for this, too. Their many methods, which nothing here calls, would be a
//! part of the extension.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatchReader, StructArray};
use arrow_schema::{DataType, Field, FieldRef, Schema};
use pyo3::{prelude::*, types::PyCapsule};
use pyo3_arrow::{
    error::PyArrowResult,
    ffi::{ArrayIterator, to_stream_pycapsule},
};

use super::errors::internal_error;
use crate::lock::Lock;

/// An object with `__arrow_c_stream__`, for one use.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct ArrowStream(Lock<Option<Box<dyn RecordBatchReader + Send>>>);

impl ArrowStream {
    pub(super) fn new(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self(Lock::new(Some(reader)))
    }
}

#[pymethods]
impl ArrowStream {
    /// The columns that have more than `levels` types inside of each other.
    fn columns_deeper_than(&self, levels: usize) -> Vec<String> {
        let reader = self.0.lock();
        let schema = reader.as_ref().map(RecordBatchReader::schema);
        let fields = schema.iter().flat_map(|schema| schema.fields());
        let deep = fields.filter(|field| levels_of(field.data_type()) > levels);
        deep.map(|field| field.name().clone()).collect()
    }

    /// A requested schema is a wish that a stream may leave unmet: this one keeps its types. The
    /// code that casts any type to any other would be a part of the extension.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let reader = self.0.take();
        let reader = reader.ok_or_else(|| internal_error("the stream was taken before"))?;
        let schema: Arc<Schema> = reader.schema();
        let field = Field::new_struct("", schema.fields().clone(), false)
            .with_metadata(schema.metadata().clone());
        let arrays = reader.map(|batch| Ok(Arc::new(StructArray::from(batch?)) as ArrayRef));
        let arrays = ArrayIterator::new(arrays, Arc::new(field));
        to_stream_pycapsule(py, Box::new(arrays), None)
    }
}

/// How many types stand inside of each other.
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
