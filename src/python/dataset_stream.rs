//! A dataset's rows as an Arrow stream for Python.

use std::{
    io, mem, process,
    sync::Arc,
    thread::{self, ThreadId},
    time::Duration,
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::{IntoPyObjectExt, exceptions::PyKeyboardInterrupt, prelude::*};

use super::arrow_stream::ArrowStream;
use crate::{
    dataset_reader::{DatasetReader, Next},
    error::Error,
    service::LocalServer,
};

/// Between two looks at signals.
const STEP: Duration = Duration::from_millis(100);

/// An object with `__arrow_c_stream__`, for one use.
pub(super) fn to_python(
    py: Python<'_>,
    reader: DatasetReader,
    local: Option<Arc<LocalServer>>,
) -> PyResult<Py<PyAny>> {
    let stream = DatasetStream {
        schema: reader.schema(),
        reader: Some((reader, local)),
        process_id: process::id(),
        thread: thread::current().id(),
    };
    ArrowStream::new(Box::new(stream)).into_py_any(py)
}

/// Batches for a consumer that asks from any thread, with or without the GIL.
struct DatasetStream {
    schema: SchemaRef,
    /// With the embedded service that it reads from, where that is one of this process.
    reader: Option<(DatasetReader, Option<Arc<LocalServer>>)>,
    process_id: u32,
    /// The Python thread that asked for the stream.
    thread: ThreadId,
}

impl Drop for DatasetStream {
    fn drop(&mut self) {
        // In a forked child its threads do not exist, and cannot be ended.
        if self.process_id != process::id() {
            mem::forget(self.reader.take());
        }
    }
}

impl DatasetStream {
    /// Waits for a moment, where it is possible without the GIL and with a look at signals.
    fn step(&mut self) -> Result<Next, ArrowError> {
        let of_parent = self.process_id != process::id();
        let Some((reader, _)) = self.reader.as_mut().filter(|_| !of_parent) else {
            let message = "the stream was begun in the parent process; read the dataset again here";
            return Err(ArrowError::ComputeError(message.to_owned()));
        };
        // A thread of the consumer's own must not wait for the GIL: whoever holds it may wait
        // for this very thread.
        if thread::current().id() != self.thread {
            return reader.next_within(STEP).map_err(to_arrow);
        }
        Python::try_attach(|py| {
            py.check_signals().map_err(|interrupt| interrupted(py, &interrupt))?;
            py.detach(|| reader.next_within(STEP)).map_err(to_arrow)
        })
        .unwrap_or_else(|| Err(ArrowError::ComputeError("the interpreter is gone".to_owned())))
    }
}

impl Iterator for DatasetStream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Next::Batch(batch)) => return Some(Ok(batch)),
                Ok(Next::Waiting) => {}
                Ok(Next::End) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl RecordBatchReader for DatasetStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Consumers know errors of Arrow only, and show their words.
fn to_arrow(error: Error) -> ArrowError {
    ArrowError::IoError(error.to_string(), io::Error::other(error))
}

/// A consumer makes an error of its own of this one, so Ctrl-C is set again: Python raises it as
/// soon as the consumer has returned.
fn interrupted(py: Python<'_>, interrupt: &PyErr) -> ArrowError {
    let message = interrupt.to_string();
    if interrupt.is_instance_of::<PyKeyboardInterrupt>(py) {
        // Where this fails the consumer's error is all there is.
        let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
    }
    ArrowError::ComputeError(message)
}
