//! Frames and bytes become temporary parquet files, in the thread of whoever has them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use parquet::schema::types::TypePtr;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};
use pyo3_arrow::PyRecordBatchReader;

use super::errors::{IntoPyErr, internal_error};
use crate::{
    Error,
    client::SourceFile,
    upload::{self, Mending, Spool, frames},
};

/// A parquet file that is gone with this object, or with the upload that took it.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct TemporaryParquet(Mutex<Option<SourceFile>>);

impl TemporaryParquet {
    fn new(file: SourceFile) -> Self {
        Self(Mutex::new(Some(file)))
    }

    pub(super) fn take(&self) -> PyResult<SourceFile> {
        let file = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        file.ok_or_else(|| internal_error("the file was given to an upload before"))
    }
}

/// Makes a temporary file of bytes.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct BytesSpool(Mutex<Option<Spool>>);

#[pymethods]
impl BytesSpool {
    #[new]
    fn new(py: Python<'_>, label: &str) -> PyResult<Self> {
        let spool = Spool::new(label).map_err(|error| error.into_py_err(py))?;
        Ok(Self(Mutex::new(Some(spool))))
    }

    fn write(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        let mut spool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spool = spool.as_mut().ok_or_else(|| internal_error("the spool is closed"))?;
        spool.write(bytes).map_err(|error| error.into_py_err(py))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<TemporaryParquet> {
        let spool = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let spool = spool.ok_or_else(|| internal_error("the spool is closed"))?;
        spool.finish().map(TemporaryParquet::new).map_err(|error| error.into_py_err(py))
    }
}

/// Encodes an object with `__arrow_c_stream__` in steps.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameEncoder {
    label: String,
    encoder: Mutex<frames::FrameEncoder>,
}

#[pymethods]
impl FrameEncoder {
    #[new]
    fn new(
        py: Python<'_>,
        frame: &Bound<'_, PyAny>,
        label: &str,
        rows_per_file: Option<usize>,
    ) -> PyResult<Self> {
        let batches = stream_of(frame, label)?.into_reader()?;
        let encoder = py
            .detach(|| guarded(label, || frames::FrameEncoder::new(label, batches, rows_per_file)));
        encoder
            .map(|encoder| Self { label: label.to_owned(), encoder: Mutex::new(encoder) })
            .map_err(|error| error.into_py_err(py))
    }

    #[getter]
    fn is_exhausted(&self, py: Python<'_>) -> bool {
        py.detach(|| self.lock().is_exhausted())
    }

    /// Encodes for about `seconds`, without the GIL; a file when one is whole.
    fn encode(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<TemporaryParquet>> {
        let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let file = py.detach(|| guarded(&self.label, || self.lock().encode(time)));
        file.map(|file| file.map(TemporaryParquet::new)).map_err(|error| error.into_py_err(py))
    }
}

impl FrameEncoder {
    fn lock(&self) -> MutexGuard<'_, frames::FrameEncoder> {
        self.encoder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The encoder of the parquet crate panics on some arrays that it does not know.
fn guarded<T>(label: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "it cannot be encoded as parquet; write it to a file, and upload that";
        Err(Error::Frame { label: label.to_owned(), column: None, message: message.to_owned() })
    })
}

/// The schema that all files of an upload are to have.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameSchema(pub(super) TypePtr);

/// Compares the schemas of frames, before any of them is encoded.
#[pyfunction]
pub(super) fn check_frames(
    py: Python<'_>,
    frames: Vec<(String, Bound<'_, PyAny>)>,
    cast: bool,
) -> PyResult<Option<FrameSchema>> {
    let schemas = frames
        .iter()
        .map(|(name, frame)| Ok((name.clone(), stream_of(frame, name)?.schema_ref()?)))
        .collect::<PyResult<Vec<_>>>()?;
    let mending = Mending { cast, recompress: false };
    let schema = py.detach(|| frames::check_schemas(&schemas, mending));
    schema.map(|schema| schema.map(FrameSchema)).map_err(|error| error.into_py_err(py))
}

/// Whether paths stand in natural order.
#[pyfunction]
pub(super) fn is_in_natural_order(paths: Vec<String>) -> bool {
    paths.is_sorted_by(|left, right| upload::natural_order(left, right).is_le())
}

fn stream_of(frame: &Bound<'_, PyAny>, label: &str) -> PyResult<PyRecordBatchReader> {
    frame.extract().map_err(|error: PyErr| {
        let py = frame.py();
        if !error.is_instance_of::<PyTypeError>(py) && !error.is_instance_of::<PyValueError>(py) {
            return error;
        }
        let type_name = frame
            .get_type()
            .fully_qualified_name()
            .map_or_else(|_| "it".to_owned(), |name| name.to_string());
        let message = format!("{type_name} is not a table: {}", error.value(py));
        Error::Frame { label: label.to_owned(), column: None, message }.into_py_err(py)
    })
}
