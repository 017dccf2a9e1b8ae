//! Writes frames and bytes to temporary Parquet files, on the thread of the caller.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::MutexGuard,
    time::Duration,
};

use arrow_array::RecordBatchReader;
use arrow_schema::{Schema, SchemaRef};
use parquet::schema::types::TypePtr;
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatchReader, PySchema};

use super::errors::{IntoPyErr, internal_error};
use crate::{
    Error,
    lock::Lock,
    source::Content,
    upload::{
        self, MadeFile, Partition, Spool,
        frames::{self, Decimals, FileLimits},
        pandas_index, partition_of_open_file,
    },
};

/// A Parquet file that disappears with this object, or with the upload that took it.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct TemporaryParquet(Lock<Option<(Content, Partition)>>);

#[pymethods]
impl TemporaryParquet {
    /// Indexes of the leaves without values, in ascending order.
    fn leaves_without_values(&self, py: Python<'_>) -> PyResult<Vec<u32>> {
        py.detach(|| {
            let file = self.0.lock();
            file.as_ref().map(|(file, _)| frames::leaves_without_values(file))
        })
        .ok_or_else(|| internal_error("the file was already passed to an upload"))?
        .map_err(|error| error.into_py_err(py))
    }
}

impl TemporaryParquet {
    fn new(file: Content, partition: Partition) -> Self {
        Self(Lock::new(Some((file, partition))))
    }

    /// The file for an upload, with its name in the dataset, or None to generate one.
    pub(super) fn take(&self, name: Option<String>) -> PyResult<MadeFile> {
        let file = self.0.take();
        file.map(|(content, partition)| MadeFile { name, content, partition })
            .ok_or_else(|| internal_error("the file was already passed to an upload"))
    }

    /// The file, only to look at it. It can still be passed to an upload.
    pub(super) fn shared(&self, name: String) -> PyResult<MadeFile> {
        let file = self.0.lock().clone();
        file.map(|(content, partition)| MadeFile { name: Some(name), content, partition })
            .ok_or_else(|| internal_error("the file was already passed to an upload"))
    }
}

/// Writes bytes to a temporary file.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct BytesSpool(Lock<Option<Spool>>);

#[pymethods]
impl BytesSpool {
    #[new]
    fn new(py: Python<'_>, label: &str) -> PyResult<Self> {
        let spool = Spool::new(label).map_err(|error| error.into_py_err(py))?;
        Ok(Self(Lock::new(Some(spool))))
    }

    fn write(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        let mut spool = self.0.lock();
        let spool = spool.as_mut().ok_or_else(|| internal_error("the spool is closed"))?;
        spool.write(bytes).map_err(|error| error.into_py_err(py))
    }

    /// Completes the file; `path` is the source of its bytes, if they come from a file.
    fn finish(&self, py: Python<'_>, path: Option<&str>) -> PyResult<TemporaryParquet> {
        let spool = self.0.take();
        let spool = spool.ok_or_else(|| internal_error("the spool is closed"))?;
        let partition = path.map(partition_of_open_file).unwrap_or_default();
        let file = spool.finish().map_err(|error| error.into_py_err(py))?;
        Ok(TemporaryParquet::new(file, partition))
    }
}

/// An Arrow stream that was opened, because some can be opened only once. An encoder reads it.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct OpenStream {
    schema: SchemaRef,
    batches: Lock<Option<Batches>>,
}

type Batches = Box<dyn RecordBatchReader + Send>;

#[pymethods]
impl OpenStream {
    #[new]
    fn new(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        let batches = stream_of(frame)?.into_reader()?;
        Ok(Self { schema: batches.schema(), batches: Lock::new(Some(batches)) })
    }
}

/// Encodes an object with `__arrow_c_stream__` in steps.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameEncoder {
    label: String,
    encoder: Lock<frames::FrameEncoder>,
    index_columns: Vec<String>,
}

#[pymethods]
impl FrameEncoder {
    #[new]
    fn new(
        py: Python<'_>,
        frame: &Bound<'_, PyAny>,
        label: &str,
        max_rows: Option<usize>,
        max_bytes: Option<u64>,
        decimals_as_bytes: bool,
        drops_index: bool,
    ) -> PyResult<Self> {
        let batches = match frame.cast::<OpenStream>() {
            Ok(open) => {
                let batches = open.get().batches.take();
                batches.ok_or_else(|| internal_error("the stream was already read"))?
            }
            Err(_) => stream_of(frame)?.into_reader()?,
        };
        let index_columns = index_columns(&batches.schema(), drops_index);
        let dropped = if drops_index { index_columns.as_slice() } else { &[] };
        let batches = pandas_index::reader_without_columns(batches, dropped);
        let encoder = py.detach(|| {
            guarded(label, || {
                let limits = FileLimits { rows: max_rows, bytes: max_bytes };
                frames::FrameEncoder::new(label, batches, limits, decimals(decimals_as_bytes))
            })
        });
        encoder
            .map(|encoder| Self {
                label: label.to_owned(),
                encoder: Lock::new(encoder),
                index_columns,
            })
            .map_err(|error| error.into_py_err(py))
    }

    /// The columns of a pandas index: those that are dropped, or if none are, those named like an
    /// index without a name.
    #[getter]
    fn index_columns(&self) -> Vec<String> {
        self.index_columns.clone()
    }

    #[getter]
    fn is_exhausted(&self, py: Python<'_>) -> bool {
        py.detach(|| self.lock().is_exhausted())
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.lock().notes().to_vec()
    }

    /// Number of rows that the frame yielded; `None` before its first batch.
    #[getter]
    fn row_count(&self, py: Python<'_>) -> Option<usize> {
        py.detach(|| {
            let encoder = self.lock();
            encoder.has_given().then(|| encoder.row_count())
        })
    }

    /// Number of files so far that are larger than `max_bytes`.
    #[getter]
    fn oversized_files(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().oversized_files())
    }

    /// Releases the frame's stream.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.lock().close());
    }

    /// Encodes for about `seconds`, without the GIL; returns a file when one is complete.
    fn encode(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<TemporaryParquet>> {
        let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let file = py.detach(|| {
            let file = guarded(&self.label, || self.lock().encode(time));
            file.inspect_err(|_| self.lock().close())
        });
        file.map(|file| file.map(|file| TemporaryParquet::new(file, Partition::new())))
            .map_err(|error| error.into_py_err(py))
    }
}

impl FrameEncoder {
    fn lock(&self) -> MutexGuard<'_, frames::FrameEncoder> {
        self.encoder.lock()
    }
}

/// The encoder of the parquet crate panics on some arrays that it does not support.
fn guarded<T>(label: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "it cannot be encoded as Parquet; write it to a file and upload the file";
        Err(Error::Frame { label: label.to_owned(), column: None, message: message.to_owned() })
    })
}

pub(super) fn outlines(frames: &[PyRef<'_, FrameOutline>]) -> Vec<frames::FrameOutline> {
    frames.iter().map(|frame| frame.0.clone()).collect()
}

/// The schema that all files of an upload must have.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameSchema(pub(super) TypePtr);

/// What is known about a frame before it is encoded.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameOutline(pub(super) frames::FrameOutline);

#[pymethods]
impl FrameOutline {
    /// Reads the schema of an object with `__arrow_c_schema__` or, without it, of its stream. The
    /// stream is closed again before any row is read.
    #[new]
    fn new(
        py: Python<'_>,
        frame: &Bound<'_, PyAny>,
        label: &str,
        decimals_as_bytes: bool,
        drops_index: bool,
    ) -> PyResult<Self> {
        let schema = if let Ok(open) = frame.cast::<OpenStream>() {
            SchemaRef::clone(&open.get().schema)
        } else if frame.hasattr("__arrow_c_schema__")? {
            frame.extract::<PySchema>()?.into_inner()
        } else {
            stream_of(frame)?.schema_ref()?
        };
        let dropped = if drops_index { pandas_index::index_columns(&schema) } else { Vec::new() };
        let schema = pandas_index::without_columns(&schema, &dropped);
        frames::FrameOutline::new(label, &schema, decimals(decimals_as_bytes))
            .map(Self)
            .map_err(|error| error.into_py_err(py))
    }

    /// The outline of a frame that was encoded to this file.
    #[staticmethod]
    fn of_file(py: Python<'_>, file: &TemporaryParquet, label: &str) -> PyResult<Self> {
        let made = file.shared(label.to_owned())?;
        py.detach(|| frames::FrameOutline::of_file(label, &made.content))
            .map(Self)
            .map_err(|error| error.into_py_err(py))
    }

    /// The outline with the results of a look at the frame's rows.
    fn with_values(&self, row_count: u64, looked_at: Vec<u32>, without_values: Vec<u32>) -> Self {
        Self(self.0.clone().with_values(row_count, &looked_at, without_values))
    }

    /// The outline in the best case for a cast: leaves that were not looked at have no values.
    fn at_best(&self) -> Self {
        Self(self.0.at_best())
    }
}

fn index_columns(schema: &Schema, are_dropped: bool) -> Vec<String> {
    if are_dropped {
        pandas_index::index_columns(schema)
    } else {
        pandas_index::unnamed_index_columns(schema)
    }
}

fn decimals(as_bytes: bool) -> Decimals {
    if as_bytes { Decimals::Bytes } else { Decimals::Integers }
}

/// Sorts paths in natural order: `part-2` before `part-10`.
#[pyfunction]
pub(super) fn in_natural_order(mut paths: Vec<String>) -> Vec<String> {
    paths.sort_by(|left, right| upload::natural_order(left, right));
    paths
}

/// Errors of the frame's library are passed on; the caller adds the frame to the message.
fn stream_of(frame: &Bound<'_, PyAny>) -> PyResult<PyRecordBatchReader> {
    frame.extract()
}
