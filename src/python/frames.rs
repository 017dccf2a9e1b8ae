//! Writes frames and bytes to temporary Parquet files, on the thread of the caller.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::MutexGuard,
    time::Duration,
};

use parquet::schema::types::TypePtr;
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatchReader, PySchema};

use super::errors::{IntoPyErr, internal_error};
use crate::{
    Error,
    lock::Lock,
    source::Content,
    upload::{
        self, Held, MadeFile, Mending, Partition, Spool,
        frames::{self, Decimals},
        partition_of_open_file,
    },
};

/// A Parquet file that disappears with this object, or with the upload that took it.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct TemporaryParquet(Lock<Option<(Content, Partition)>>);

#[pymethods]
impl TemporaryParquet {
    /// Positions of the leaves of its schema that have no value, in ascending order.
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

/// Encodes an object with `__arrow_c_stream__` in steps.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameEncoder {
    label: String,
    encoder: Lock<frames::FrameEncoder>,
}

#[pymethods]
impl FrameEncoder {
    #[new]
    fn new(
        py: Python<'_>,
        frame: &Bound<'_, PyAny>,
        label: &str,
        rows_per_file: Option<usize>,
        decimals_as_bytes: bool,
    ) -> PyResult<Self> {
        let batches = stream_of(frame)?.into_reader()?;
        let encoder = py.detach(|| {
            guarded(label, || {
                frames::FrameEncoder::new(
                    label,
                    batches,
                    rows_per_file,
                    decimals(decimals_as_bytes),
                )
            })
        });
        encoder
            .map(|encoder| Self { label: label.to_owned(), encoder: Lock::new(encoder) })
            .map_err(|error| error.into_py_err(py))
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

/// What is known of the schema of a dataset.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct DatasetSchema(pub(super) Held);

/// What is known of a dataset; without one, nothing.
pub(super) fn held(dataset: Option<&DatasetSchema>) -> Held {
    dataset.map_or(Held::Nothing, |dataset| dataset.0.clone())
}

pub(super) fn outlines(frames: &[PyRef<'_, FrameOutline>]) -> Vec<frames::FrameOutline> {
    frames.iter().map(|frame| frame.0.clone()).collect()
}

/// The schema that all files of an upload must have.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameSchema(pub(super) TypePtr);

/// What is known about a frame before it is encoded.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameOutline(frames::FrameOutline);

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
    ) -> PyResult<Self> {
        let schema = if frame.hasattr("__arrow_c_schema__")? {
            frame.extract::<PySchema>()?.into_inner()
        } else {
            stream_of(frame)?.schema_ref()?
        };
        frames::FrameOutline::new(label, &schema, decimals(decimals_as_bytes))
            .map(Self)
            .map_err(|error| error.into_py_err(py))
    }

    /// The same, with the results of a look at the frame's rows.
    fn with_values(&self, row_count: u64, looked_at: Vec<u32>, without_values: Vec<u32>) -> Self {
        Self(self.0.clone().with_values(row_count, &looked_at, without_values))
    }
}

fn decimals(as_bytes: bool) -> Decimals {
    if as_bytes { Decimals::Bytes } else { Decimals::Integers }
}

/// For each frame, the positions of the leaves whose columns differ between frames.
#[pyfunction]
pub(super) fn differing_leaves(
    py: Python<'_>,
    frames: Vec<PyRef<'_, FrameOutline>>,
) -> Vec<Vec<u32>> {
    let outlines = outlines(&frames);
    py.detach(|| frames::differing_leaves(&outlines))
}

/// Compares the schemas of frames with that of a dataset, or with each other, before any of them is
/// encoded.
#[pyfunction]
pub(super) fn check_frames(
    py: Python<'_>,
    frames: Vec<PyRef<'_, FrameOutline>>,
    cast: bool,
    dataset: Option<&DatasetSchema>,
) -> PyResult<Option<FrameSchema>> {
    let (outlines, held) = (outlines(&frames), held(dataset));
    let mending = Mending { cast, recompress: false };
    let schema = py.detach(|| frames::check_schemas(&outlines, mending, &held));
    schema.map(|schema| schema.map(FrameSchema)).map_err(|error| error.into_py_err(py))
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
